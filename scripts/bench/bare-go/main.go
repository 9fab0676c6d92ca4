// The bench's bare rows by a compiled program: what one rotation must do to a disk, a seal and a service, with nothing
// around it. One order a line comes on stdin, one answer a line leaves on stdout.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"

	"filippo.io/age"
)

// Order: the runs go side by side, the rotations of each one after the other.
type Order struct {
	Runs []Run `json:"runs"`
}

// Run: rotations into files of this name. Without a service nobody is told.
type Run struct {
	Name    string   `json:"name"`
	Count   int      `json:"count"`
	Service *Service `json:"service"`
}

// Bare has what all rotations share; the keys are parsed once.
type Bare struct {
	folder     string
	identities []age.Identity
	recipients []age.Recipient
	mutex      sync.Mutex
	services   map[string]*Service
}

func main() {
	bare, err := open(os.Args[1])
	if err != nil {
		fail(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var order Order
		if err := json.Unmarshal(lines.Bytes(), &order); err != nil {
			fail(err)
		}
		done, err := bare.carryOut(order)
		if err != nil {
			fail(err)
		}
		fmt.Printf("%d rotated\n", done)
	}
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, "bare:", err)
	os.Exit(1)
}

func open(folder string) (*Bare, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	return &Bare{
		folder:     folder,
		identities: []age.Identity{identity},
		recipients: []age.Recipient{identity.Recipient()},
		services:   map[string]*Service{},
	}, nil
}

func (bare *Bare) carryOut(order Order) (int, error) {
	var waiting sync.WaitGroup
	errs := make([]error, len(order.Runs))
	done := 0
	for index, run := range order.Runs {
		done += run.Count
		waiting.Add(1)
		go func() {
			defer waiting.Done()
			errs[index] = bare.run(run)
		}()
	}
	waiting.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	return done, nil
}

func (bare *Bare) run(run Run) error {
	service := bare.serviceOf(run)
	for count := 0; count < run.Count; count++ {
		value := newValue()
		if service != nil {
			if err := service.rotate(value); err != nil {
				return err
			}
		}
		if err := bare.write(run.Name, value, service != nil); err != nil {
			return err
		}
	}
	return nil
}

// serviceOf remembers what the last rotation made of it.
func (bare *Bare) serviceOf(run Run) *Service {
	bare.mutex.Lock()
	defer bare.mutex.Unlock()
	if bare.services[run.Name] == nil && run.Service != nil {
		bare.services[run.Name] = run.Service
	}
	return bare.services[run.Name]
}
