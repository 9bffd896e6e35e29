package stacks

import (
	"encoding/json"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/pulumitest"
)

func TestAnUpdateRefusesAKeyOfTheProgramThatNothingReads(t *testing.T) {
	config := plus(stackConfig(t, "demo"), "platform:databaseURL", "x")
	text, err := json.Marshal(config)
	require.NoError(t, err)
	t.Setenv(pulumi.EnvConfig, string(text))
	r := &pulumitest.Recorder{}
	require.ErrorContains(t, pulumitest.Run(r, "demo", config, Program), `platform:databaseURL: is no key of this program; "platform:databaseUrl" is`)
	assert.Empty(t, r.Registrations())
}

func TestAnUpdateReadsSettingsWithoutAPrefix(t *testing.T) {
	config := stackConfig(t, "demo")
	want := &pulumitest.Recorder{}
	require.NoError(t, pulumitest.Run(want, "demo", config, Program))
	config["shop:settings"] = config[settings.Key]
	delete(config, settings.Key)
	got := &pulumitest.Recorder{}
	require.NoError(t, pulumi.RunErr(Program, pulumi.WithMocks("shop", "demo", got), func(info *pulumi.RunInfo) { info.Config = config }))
	assert.Len(t, got.Registrations(), len(want.Registrations()))
}

func TestAnUpdateRefusesEncryptedSettings(t *testing.T) {
	r := &pulumitest.Recorder{}
	config := stackConfig(t, "demo")
	err := pulumi.RunErr(Program, pulumi.WithMocks("platform", "demo", r), func(info *pulumi.RunInfo) {
		info.Config, info.ConfigSecretKeys = config, []string{settings.Key}
	})
	require.ErrorContains(t, err, "platform:settings: is encrypted")
	assert.Empty(t, r.Registrations())
}
