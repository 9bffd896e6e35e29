// Command plugin runs a simulated provider for the Pulumi engine. The file name that it was
// started with, pulumi-resource-<name>, selects the provider. Its argument is the engine's
// address.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/genericcorp/platform/sandbox/provider"
)

func main() {
	name := strings.TrimPrefix(filepath.Base(os.Args[0]), "pulumi-resource-")
	engine := ""
	for _, arg := range os.Args[1:] {
		if !strings.HasPrefix(arg, "-") {
			engine = arg
		}
	}
	if err := provider.Serve(name, engine); err != nil {
		fmt.Fprintf(os.Stderr, "plugin %s: %v\n", name, err)
		os.Exit(1)
	}
}
