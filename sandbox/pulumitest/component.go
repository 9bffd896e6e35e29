package pulumitest

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Component is what every component of the platform has to keep, checked in one
// way for all.
type Component struct {
	// Packages are the providers that it needs.
	Packages []string
	// Good declares it with right arguments; opts carry the providers.
	Good func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error
	// Bad declares it with as many wrong arguments as it can tell apart, and Faults
	// are the paths that its error has to name, all of them.
	Bad    func(ctx *pulumi.Context) error
	Faults []string
	// Type is its token, Custom how many resources it makes.
	Type   string
	Custom int
	// Secrets are resources with the inputs that have to be secret.
	Secrets map[string]string
}

// Check runs the checks and returns what the good declaration registered.
func (c Component) Check(t *testing.T) *Recorder {
	t.Helper()
	t.Run("faults register nothing", c.rejects)
	t.Run("each child's failure surfaces", c.surfaces)
	t.Run("a preview with unknowns ends", func(t *testing.T) { require.NoError(t, c.run(&Recorder{Preview: true})) })
	r := &Recorder{}
	require.NoError(t, c.run(r))
	t.Run("graph", func(t *testing.T) { c.graph(t, r) })
	t.Run("secrets", func(t *testing.T) { c.secrets(t, r) })
	return r
}

func (c Component) run(r *Recorder) error {
	return Run(r, "test", nil, func(ctx *pulumi.Context) error {
		providers, err := Providers(ctx, c.Packages...)
		if err != nil {
			return err
		}
		return c.Good(ctx, providers)
	})
}

func (c Component) rejects(t *testing.T) {
	r := &Recorder{}
	err := Run(r, "test", nil, c.Bad)
	require.Error(t, err)
	for _, path := range c.Faults {
		assert.Contains(t, err.Error(), path)
	}
	assert.Empty(t, r.Registrations())
}

func (c Component) surfaces(t *testing.T) {
	for n := 1; n <= c.Custom+len(c.Packages); n++ {
		require.ErrorContains(t, c.run(&Recorder{FailAt: n}), ErrBoom.Error(), "resource %d", n)
	}
}

// graph: every child has the component as its parent, an explicit provider of
// its own package, and outputs are registered once.
func (c Component) graph(t *testing.T, r *Recorder) {
	custom, components := 0, 0
	for _, g := range r.Registrations() {
		switch {
		case parentKey(g.Parent) == "" && g.Custom:
			assert.Contains(t, g.Type, "pulumi:providers:")
		case g.Custom:
			custom++
			assert.Contains(t, parentKey(g.Parent), c.Type, g.Name)
			assert.Contains(t, g.Type, g.Provider+":", "%s has the provider of another package", g.Name)
		default:
			components++
			assert.Equal(t, c.Type, g.Type)
		}
	}
	assert.Equal(t, c.Custom, custom)
	assert.Equal(t, 1, components)
	assert.Equal(t, 2, r.Outputs(), "the component's and the stack's")
}

func (c Component) secrets(t *testing.T, r *Recorder) {
	found := 0
	for _, g := range r.Registrations() {
		if path, ok := c.Secrets[g.Name]; ok && g.Custom && len(g.Secrets) > 0 {
			assert.Contains(t, g.Secrets, path, g.Name)
			found++
		}
	}
	assert.Equal(t, len(c.Secrets), found, "every resource that holds a secret marks it")
}
