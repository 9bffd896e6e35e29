package stacks

import (
	"maps"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/settings"
)

// readAppSecrets reads platform:appEnv and platform:registry. The error has all faults of
// both keys, and no value.
func (c *config) readAppSecrets(ctx *pulumi.Context) error {
	var err error
	c.appSecrets, err = c.App.LoadSecrets(ctx.GetConfig)
	return err
}

// appEnv returns the app's plain variables.
func (s *stack) appEnv() map[string]string {
	env := maps.Clone(s.App.Env)
	if s.App.WebAnalytics != "" {
		if env == nil {
			env = map[string]string{}
		}
		env[settings.WebAnalyticsEnv] = s.App.WebAnalytics
	}
	return env
}
