// Command platform is the Pulumi program. `pulumi up`, `pulumi preview` and other Pulumi
// commands run it for one stack; package stacks declares the resources.
package main

import (
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/stacks"
)

func main() { pulumi.Run(stacks.Program) }
