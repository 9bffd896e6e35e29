// Command cluster is the real Kubernetes of the sandbox. "cluster serve" runs a control plane
// with fake or real nodes. "cluster render" prints the objects that the cert-manager release
// installs. "cluster exec" runs a command in a Pod. "cluster node" is the first process of a real node; "cluster serve" starts it.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/genericcorp/platform/sandbox/cluster/chart"
	"github.com/genericcorp/platform/sandbox/cluster/node"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cluster:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("no command; usage: cluster serve|render|exec|node")
	}
	switch args[0] {
	case "serve":
		return serve(args[1:])
	case "render":
		return render(args[1:], os.Stdin, os.Stdout)
	case "exec":
		return execute(args[1:], os.Stdout)
	case "node":
		if len(args) != 2 {
			return errors.New("usage: cluster node FILE")
		}
		return node.Run(args[1])
	}
	return fmt.Errorf("there is no command %q; usage: cluster serve|render|exec|node", args[0])
}

// render reads {"namespace": ..., "values": ...} and writes a list of objects, both as JSON.
func render(_ []string, in io.Reader, out io.Writer) error {
	var request struct {
		Namespace string         `json:"namespace"`
		Values    map[string]any `json:"values"`
	}
	if err := json.NewDecoder(in).Decode(&request); err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	objects, err := chart.Render(request.Namespace, request.Values)
	if err != nil {
		return err
	}
	return json.NewEncoder(out).Encode(objects)
}
