package pulumitest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/require"
)

// Run runs a program under the recorder, as project "platform".
func Run(r *Recorder, stack string, config map[string]string, program pulumi.RunFunc) error {
	return pulumi.RunErr(program, pulumi.WithMocks("platform", stack, r), func(info *pulumi.RunInfo) {
		info.Config, info.DryRun = config, r.Preview
	})
}

// Providers are what components get from the stack, for tests of one component.
func Providers(ctx *pulumi.Context, packages ...string) (pulumi.ResourceOption, error) {
	var out []pulumi.ProviderResource
	for _, name := range packages {
		var p anyProvider
		if err := ctx.RegisterResource("pulumi:providers:"+name, name, pulumi.Map{}, &p); err != nil {
			return nil, err
		}
		out = append(out, &p)
	}
	return pulumi.Providers(out...), nil
}

type anyProvider struct{ pulumi.ProviderResourceState }

var update = flag.Bool("update", false, "rewrite the golden files")

// Golden compares text with a file under testdata; -update rewrites it, which
// `make golden` does for all.
func Golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(path, []byte(got), 0o644))
		return
	}
	want, err := os.ReadFile(path)
	require.NoError(t, err, "no golden file; make golden writes it")
	if string(want) != got {
		t.Errorf("%s differs; read the difference, then make golden:\n%s", path, difference(string(want), got))
	}
}

// difference are the lines that only one of two texts has.
func difference(want, got string) string {
	var out strings.Builder
	for _, side := range []struct{ mark, text, other string }{{"-", want, got}, {"+", got, want}} {
		others := strings.Split(side.other, "\n")
		for line := range strings.SplitSeq(side.text, "\n") {
			if !slices.Contains(others, line) {
				fmt.Fprintf(&out, "%s %s\n", side.mark, line)
			}
		}
	}
	return out.String()
}
