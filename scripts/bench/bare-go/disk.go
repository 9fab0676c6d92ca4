package main

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"filippo.io/age"
	"filippo.io/age/armor"
)

// As in bare.ts, where they are counted: a state with ten kept versions, three times; two lines of a log; one output.
const (
	stateBytes  = 12_000
	stateWrites = 3
	logAppends  = 2
	opens       = 2
)

// write does the durable acts, the seals and the opens of one rotation, and of its revoke.
func (bare *Bare) write(name, value string, revokes bool) error {
	path := func(end string) string { return filepath.Join(bare.folder, name+"."+end) }
	padded := []byte(fmt.Sprintf("%-256s", value))
	sealed, err := bare.seal(padded)
	if err != nil {
		return err
	}
	for open := 0; open < opens; open++ {
		if err := bare.unseal(sealed, padded); err != nil {
			return err
		}
	}
	if _, err := bare.seal(padded); err != nil {
		return err
	}
	more := 0
	if revokes {
		more = 1
	}
	state := strings.Repeat("x", stateBytes)
	for write := 0; write < stateWrites+more; write++ {
		if err := replace(path("json"), state); err != nil {
			return err
		}
	}
	for line := 0; line < logAppends+more; line++ {
		if err := appendLine(path("log"), strings.Repeat("y", 250)+"\n"); err != nil {
			return err
		}
	}
	return replace(path("env"), "VALUE="+value+"\n")
}

func (bare *Bare) seal(text []byte) ([]byte, error) {
	var sealed bytes.Buffer
	armored := armor.NewWriter(&sealed)
	writer, err := age.Encrypt(armored, bare.recipients...)
	if err != nil {
		return nil, err
	}
	if _, err := writer.Write(text); err != nil {
		return nil, err
	}
	if err := writer.Close(); err != nil {
		return nil, err
	}
	if err := armored.Close(); err != nil {
		return nil, err
	}
	return sealed.Bytes(), nil
}

func (bare *Bare) unseal(sealed, wanted []byte) error {
	reader, err := age.Decrypt(armor.NewReader(bytes.NewReader(sealed)), bare.identities...)
	if err != nil {
		return err
	}
	text, err := io.ReadAll(reader)
	if err == nil && !bytes.Equal(text, wanted) {
		return fmt.Errorf("a seal opened as something else")
	}
	return err
}

// replace: a draft, synced; its rename; the folder, synced.
func replace(target, text string) error {
	draft := target + ".draft"
	file, err := os.OpenFile(draft, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if err := writeAll(file, text, file.Sync); err != nil {
		return err
	}
	if err := os.Rename(draft, target); err != nil {
		return err
	}
	folder, err := os.Open(filepath.Dir(target))
	if err != nil {
		return err
	}
	defer folder.Close()
	return folder.Sync()
}

func appendLine(target, line string) error {
	file, err := os.OpenFile(target, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return writeAll(file, line, func() error { return syscall.Fdatasync(int(file.Fd())) })
}

func writeAll(file *os.File, text string, sync func() error) error {
	defer file.Close()
	if _, err := file.WriteString(text); err != nil {
		return err
	}
	return sync()
}

const alphabet = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"

// newValue: 32 characters, each as likely as any other.
func newValue() string {
	limit := byte(256 - 256%len(alphabet))
	value := make([]byte, 0, 32)
	random := make([]byte, 64)
	for len(value) < cap(value) {
		rand.Read(random)
		for _, one := range random {
			if one < limit && len(value) < cap(value) {
				value = append(value, alphabet[int(one)%len(alphabet)])
			}
		}
	}
	return string(value)
}
