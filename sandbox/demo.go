package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/genericcorp/platform/sandbox/demo"
)

// startDemo runs a stack with its containers on this machine, and prints how to look at it.
func startDemo(d *demo.Demo) error {
	lock, err := oneAtATime()
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	if err := d.Up(); err != nil {
		return err
	}
	o, err := readOutputs(d.Stack)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s runs on this machine. On DigitalOcean it costs %s a month:\n", d.Name, o.MonthlyUSD)
	o.printBill(os.Stdout)
	return d.Print(os.Stdout, o.Tenants)
}

func stopDemo(d *demo.Demo) error { return d.Down() }

// oneAtATime returns an error while another process starts a demo of this checkout. The lock ends
// when the file is closed.
func oneAtATime() (*os.File, error) {
	if err := os.MkdirAll(".sandbox", 0o755); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(".sandbox", "demo.lock"))
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another `make demo` runs in this checkout (%w); wait for its end", err), file.Close())
	}
	return file, nil
}

// demoOf returns the demo of a stack of this checkout.
func demoOf(name string, ports demo.Ports) (*demo.Demo, error) {
	root, err := os.Getwd()
	return demo.New(root, root, filepath.Join(root, ".sandbox", "demo", name), name, ports, 0, os.Stdout, os.Stderr), err
}
