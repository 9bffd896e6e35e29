// Command empty is a Pulumi program that declares nothing: what the engine and a
// Go program cost by themselves.
package main

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

func main() {
	pulumi.Run(func(*pulumi.Context) error { return nil })
}
