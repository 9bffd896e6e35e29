// Command empty is a Pulumi program that declares nothing. It shows what the engine and a Go
// program need without any resource.
package main

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

func main() {
	pulumi.Run(func(*pulumi.Context) error { return nil })
}
