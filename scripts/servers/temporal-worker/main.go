// A worker and a client of a Temporal server, for a test: one workflow runs activities until it is
// told to stop, while a client asks for it all the time. Lines of JSON go to stdout; when stdin
// closes, the workflow ends and the last line counts what its history says.
//
//	temporal-worker HOST:PORT
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"go.temporal.io/api/enums/v1"
	"go.temporal.io/api/serviceerror"
	"go.temporal.io/api/workflowservice/v1"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"
	"go.temporal.io/sdk/worker"
	"go.temporal.io/sdk/workflow"
	"google.golang.org/protobuf/types/known/durationpb"
)

const (
	queue = "orders"
	id    = "order-1"
)

var steps atomic.Int64

// Step is one activity: a part of an order.
func Step(context.Context) error {
	time.Sleep(20 * time.Millisecond)
	steps.Add(1)
	return nil
}

// Order runs steps until it is told to stop, and answers how many it ran.
func Order(ctx workflow.Context) (int, error) {
	ctx = workflow.WithActivityOptions(ctx, workflow.ActivityOptions{StartToCloseTimeout: 30 * time.Second})
	stop := workflow.GetSignalChannel(ctx, "stop")
	for done := 0; ; done++ {
		if stop.ReceiveAsync(nil) || done > 5000 {
			return done, nil
		}
		if err := workflow.ExecuteActivity(ctx, Step).Get(ctx, nil); err != nil {
			return done, err
		}
	}
}

func main() {
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(address string) error {
	ctx := context.Background()
	quiet := sdklog.NewStructuredLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
	options := client.Options{HostPort: address, Logger: quiet}
	if err := register(ctx, options); err != nil {
		return err
	}
	connected, err := dial(options)
	if err != nil {
		return err
	}
	defer connected.Close()
	served := worker.New(connected, queue, worker.Options{})
	served.RegisterWorkflow(Order)
	served.RegisterActivity(Step)
	if err := served.Start(); err != nil {
		return err
	}
	defer served.Stop()
	started, err := start(ctx, connected)
	if err != nil {
		return err
	}
	asked, refused := watch(ctx, connected)
	if err := connected.SignalWorkflow(ctx, id, started.GetRunID(), "stop", nil); err != nil {
		return err
	}
	var done int
	if err := started.Get(ctx, &done); err != nil {
		return err
	}
	return tell(ctx, connected, started.GetRunID(), map[string]any{"done": done, "asked": asked, "refused": refused})
}

func register(ctx context.Context, options client.Options) error {
	namespaces, err := client.NewNamespaceClient(options)
	if err != nil {
		return err
	}
	defer namespaces.Close()
	return until(func() error {
		err := namespaces.Register(ctx, &workflowservice.RegisterNamespaceRequest{
			Namespace:                        "default",
			WorkflowExecutionRetentionPeriod: durationpb.New(24 * time.Hour),
		})
		if _, there := err.(*serviceerror.NamespaceAlreadyExists); there {
			return nil
		}
		return err
	})
}

func dial(options client.Options) (connected client.Client, err error) {
	err = until(func() error {
		connected, err = client.Dial(options)
		return err
	})
	return connected, err
}

// start waits until the new namespace is known everywhere in the server.
func start(ctx context.Context, connected client.Client) (started client.WorkflowRun, err error) {
	err = until(func() error {
		started, err = connected.ExecuteWorkflow(ctx, client.StartWorkflowOptions{ID: id, TaskQueue: queue}, Order)
		return err
	})
	return started, err
}

// watch asks for the workflow until stdin closes: each question needs the server's database.
func watch(ctx context.Context, connected client.Client) (asked, refused int) {
	closed := make(chan struct{})
	go func() {
		io.Copy(io.Discard, os.Stdin)
		close(closed)
	}()
	for {
		select {
		case <-closed:
			return asked, refused
		case <-time.After(50 * time.Millisecond):
			asked++
			limited, cancel := context.WithTimeout(ctx, 20*time.Second)
			if _, err := connected.DescribeWorkflowExecution(limited, id, ""); err != nil {
				refused++
			}
			cancel()
			print(map[string]any{"steps": steps.Load(), "asked": asked, "refused": refused})
		}
	}
}

// tell counts the events of the workflow's history by their names.
func tell(ctx context.Context, connected client.Client, run string, said map[string]any) error {
	events := connected.GetWorkflowHistory(ctx, id, run, false, enums.HISTORY_EVENT_FILTER_TYPE_ALL_EVENT)
	counts := map[string]int{}
	for events.HasNext() {
		event, err := events.Next()
		if err != nil {
			return err
		}
		counts[event.GetEventType().String()]++
	}
	said["events"] = counts
	print(said)
	return nil
}

func print(said map[string]any) {
	line, _ := json.Marshal(said)
	fmt.Println(string(line))
}

func until(try func() error) error {
	deadline := time.Now().Add(90 * time.Second)
	for {
		err := try()
		if err == nil || time.Now().After(deadline) {
			return err
		}
		time.Sleep(200 * time.Millisecond)
	}
}
