package demo

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// taken returns a port that another program uses.
func taken(t *testing.T) int {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, listener.Close()) })
	return listener.Addr().(*net.TCPAddr).Port
}

func withPorts(folder string, ports Ports) *Demo {
	return New("", "", folder, "demo", ports, 0, io.Discard, io.Discard)
}

func TestUpReportsAllFaultsOfTheMachineBeforeItBuilds(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	first, second := taken(t), taken(t)
	d := withPorts(filepath.Join(t.TempDir(), "demo"), Ports{HTTP: first, HTTPS: second, Metrics: 70000})
	err := d.Up()
	for _, want := range []string{
		"runc", "nft", "apt-get install ",
		"another program uses the port " + strconv.Itoa(first), "another program uses the port " + strconv.Itoa(second),
		"there is no port 70000", "make demo HTTP=",
	} {
		assert.ErrorContains(t, err, want)
	}
	assert.Regexp(t, `make demo HTTP=\d+ HTTPS=\d+ METRICS=\d+`, err)
	assert.NoDirExists(t, d.Folder)
}

func TestCheckProposesPortsThatExistAndAreFree(t *testing.T) {
	assert.NoError(t, Ports{HTTP: freePortNear(1), HTTPS: freePortNear(10000), Metrics: freePortNear(20000)}.check())
	port := freePortNear(30000)
	assert.ErrorContains(t, Ports{HTTP: port, HTTPS: port, Metrics: freePortNear(20000)}.check(), "HTTP and HTTPS have the same port")
	for _, port := range []int{-1, 0, 80, 443, 57535, 57536, 65535, 65536, 70000} {
		other := freePortNear(port)
		assert.NoError(t, portFault(other), "%d in place of %d", other, port)
		assert.Greater(t, other, 1023)
	}
}

func TestARunUsesThePortsOfTheRunBefore(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "demo")
	first := withPorts(folder, Ports{HTTPS: 8443})
	require.NoError(t, first.choosePorts(false))
	assert.Equal(t, Ports{HTTP: 80, HTTPS: 8443, Metrics: 8428}, first.ports)
	require.NoError(t, first.rememberPorts())

	second := withPorts(folder, Ports{})
	require.NoError(t, second.choosePorts(true))
	assert.Equal(t, first.ports, second.ports)

	third := withPorts(folder, Ports{HTTP: 80, HTTPS: 9443})
	assert.EqualError(t, third.choosePorts(true), "the demo runs with HTTPS=8443; to change it: make demo-down, then make demo HTTPS=9443")
	require.NoError(t, third.choosePorts(false))
	assert.Equal(t, Ports{HTTP: 80, HTTPS: 9443, Metrics: 8428}, third.ports)

	require.NoError(t, third.Down())
	fourth := withPorts(folder, Ports{})
	require.NoError(t, fourth.choosePorts(false))
	assert.Equal(t, defaultPorts, fourth.ports)
	require.NoError(t, os.MkdirAll(folder, 0o700))
	require.NoError(t, os.WriteFile(fourth.portsFile(), []byte("{"), 0o600))
	assert.ErrorContains(t, fourth.choosePorts(false), "the ports of the last run")
}
