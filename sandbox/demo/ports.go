package demo

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// Ports are TCP ports on 127.0.0.1: of the load balancer for HTTP and HTTPS, and of
// VictoriaMetrics. 0 means the port of the demo that runs, or that of defaultPorts.
type Ports struct{ HTTP, HTTPS, Metrics int }

var defaultPorts = Ports{HTTP: 80, HTTPS: 443, Metrics: 8428}

// namedPort is one of Ports with its variable of the Makefile.
type namedPort struct {
	name string
	port *int
}

func (p *Ports) all() []namedPort {
	return []namedPort{{"HTTP", &p.HTTP}, {"HTTPS", &p.HTTPS}, {"METRICS", &p.Metrics}}
}

func (d *Demo) portsFile() string { return filepath.Join(d.Folder, "ports.json") }

// choosePorts replaces each port that is 0 by the one that the last run used, or by the default. A
// demo that runs keeps its ports, so another one is an error then.
func (d *Demo) choosePorts(runs bool) error {
	var last Ports
	data, err := os.ReadFile(d.portsFile())
	if err == nil {
		err = json.Unmarshal(data, &last)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("the ports of the last run: %w", err)
	}
	var errs []error
	for i, chosen := range d.ports.all() {
		used, byDefault := *last.all()[i].port, *defaultPorts.all()[i].port
		switch {
		case *chosen.port == 0 && used != 0:
			*chosen.port = used
		case *chosen.port == 0:
			*chosen.port = byDefault
		case runs && used != 0 && *chosen.port != used:
			errs = append(errs, fmt.Errorf("the demo runs with %s=%d; to change it: make demo-down, then make demo %[1]s=%[3]d", chosen.name, used, *chosen.port))
		}
	}
	return errors.Join(errs...)
}

func (d *Demo) rememberPorts() error {
	data, err := json.Marshal(d.ports)
	if err != nil {
		return err
	}
	return errors.Join(os.MkdirAll(d.Folder, 0o700), os.WriteFile(d.portsFile(), data, 0o600))
}

// check returns an error for each port that the demo cannot use, and a command with other ports.
func (p Ports) check() error {
	var errs []error
	var others []string
	seen := map[int]string{}
	for _, chosen := range p.all() {
		port := *chosen.port
		fault := portFault(port)
		if first := seen[port]; first != "" {
			fault = fmt.Errorf("%s and %s have the same port %d", first, chosen.name, port)
		}
		seen[port] = chosen.name
		if fault != nil {
			errs = append(errs, fault)
			others = append(others, fmt.Sprintf("%s=%d", chosen.name, freePortNear(port)))
		}
	}
	if len(errs) == 0 {
		return nil
	}
	return errors.Join(append(errs, fmt.Errorf("choose other ports: make demo %s", strings.Join(others, " ")))...)
}

const lastPort = 65535

// portFault returns why the demo cannot use a port.
func portFault(port int) error {
	if port < 1 || port > lastPort {
		return fmt.Errorf("there is no port %d; ports are 1 to %d", port, lastPort)
	}
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	switch {
	case err == nil:
		return listener.Close()
	case errors.Is(err, syscall.EACCES):
		return fmt.Errorf("only root may use the port %d, as all below 1024", port)
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("another program uses the port %d", port)
	}
	return fmt.Errorf("port %d: %w", port, err)
}

// freePortNear returns a free port above 1023 for use in place of another: 8443 for 443, if that is free.
func freePortNear(port int) int {
	for other := port + 8000; other <= lastPort; other++ {
		if other > 1023 && portFault(other) == nil {
			return other
		}
	}
	return freePortNear(0)
}
