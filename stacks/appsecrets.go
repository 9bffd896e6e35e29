package stacks

import "github.com/pulumi/pulumi/sdk/v3/go/pulumi"

// readAppSecrets reads platform:appEnv and platform:registry. The error has all faults of
// both keys, and no value.
func (c *config) readAppSecrets(ctx *pulumi.Context) error {
	var err error
	c.appSecrets, err = c.App.LoadSecrets(ctx.GetConfig)
	return err
}
