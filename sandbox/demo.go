package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/genericcorp/platform/sandbox/demo"
)

// startDemo runs a stack with its containers on this machine, and prints how to look at it. With
// grafana it also runs Grafana with Docker.
func startDemo(d *demo.Demo, grafana bool) error {
	lock, err := oneAtATime()
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	if grafana {
		if err := demo.CheckDocker(); err != nil {
			return err
		}
	}
	if err := d.Up(); err != nil {
		return err
	}
	if grafana {
		if err := d.StartGrafana(); err != nil {
			return err
		}
	}
	o, err := readOutputs(d.Stack)
	if err != nil {
		return err
	}
	fmt.Printf("\n%s runs on this machine. On DigitalOcean it costs %s a month:\n", d.Name, o.MonthlyUSD)
	o.printBill(os.Stdout)
	return d.Print(os.Stdout, o.Tenants)
}

// stopDemo ends a demo, and deletes what it or a run that was killed has left.
func stopDemo(d *demo.Demo) error {
	lock, err := oneAtATime()
	if err != nil {
		return err
	}
	defer lock.Close() //nolint:errcheck // nothing was written
	left, err := d.Left()
	if err != nil {
		return err
	}
	if len(left) == 0 {
		fmt.Printf("no demo of the stack %s runs, and nothing of one is left\n", d.Name)
		return nil
	}
	if os.Geteuid() != 0 {
		return errors.New("only root can end the demo; become root with `sudo -i`")
	}
	if err := d.Down(); err != nil {
		return err
	}
	fmt.Println("demo ended; nothing is left")
	return nil
}

// oneAtATime returns an error while another process starts a demo of this checkout. The lock ends
// when the file is closed.
func oneAtATime() (*os.File, error) {
	if err := os.MkdirAll(".sandbox", 0o755); err != nil {
		return nil, err
	}
	file, err := os.Create(filepath.Join(".sandbox", "demo.lock"))
	if errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w; the demo of this checkout belongs to another user, such as root: become root with `sudo -i`", err)
	}
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		err = errors.New("another `make demo` or `make demo-down` is going on in this checkout; wait for its end, or end it with Ctrl-C")
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}

// demoOf returns the demo of a stack of this checkout.
func demoOf(name string, ports demo.Ports) (*demo.Demo, error) {
	root, err := os.Getwd()
	return demo.New(root, root, filepath.Join(root, ".sandbox", "demo", name), name, ports, 0, os.Stdout, os.Stderr), err
}
