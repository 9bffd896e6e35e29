// Command platform is the Pulumi program: `pulumi up` runs it for one stack.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/stacks"
)

func main() { pulumi.Run(stacks.Program) }
