// Command extra is the platform's program with one more resource, which the environment
// variable SANDBOX_EXTRA names (pulumitest.Extras). The meter must refuse it.
package main

import (
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/sandbox/pulumitest"
	"github.com/genericcorp/platform/stacks"
)

func main() { pulumi.Run(pulumitest.WithExtra(stacks.Program, os.Getenv("SANDBOX_EXTRA"))) }
