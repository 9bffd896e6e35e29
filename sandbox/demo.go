package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/genericcorp/platform/sandbox/demo"
)

// startDemo runs a stack with its containers on this machine, and prints how to look at it.
func startDemo(d *demo.Demo) error {
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

// demoOf returns the demo of a stack of this checkout.
func demoOf(name string, ports demo.Ports) (*demo.Demo, error) {
	root, err := os.Getwd()
	return demo.New(root, root, filepath.Join(root, ".sandbox", "demo", name), name, ports, 0, os.Stdout, os.Stderr), err
}
