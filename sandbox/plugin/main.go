// Command plugin is every provider of the sandbox: it serves the one whose name
// it was started under, pulumi-resource-<name>.
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
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
