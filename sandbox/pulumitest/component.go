package pulumitest

import (
	"testing"

	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Component describes a component for Check, which tests the rules that hold for every
// component of the platform.
type Component struct {
	// Packages are the names of the providers that the component needs.
	Packages []string
	// Good declares the component with valid arguments. opts have the providers.
	Good func(ctx *pulumi.Context, opts ...pulumi.ResourceOption) error
	// Bad declares the component with as many faults as one declaration can have. Faults
	// are the paths that its error must name.
	Bad    func(ctx *pulumi.Context) error
	Faults []string
	// Type is the component's type token. Custom is how many resources it registers.
	Type   string
	Custom int
	// Secrets are the paths of inputs that must be secret, by the name of the resource.
	Secrets map[string]string
}

// Check tests the component and returns the recorder of its valid declaration.
func (c Component) Check(t *testing.T) *Recorder {
	t.Helper()
	t.Run("faults are all reported and register nothing", c.checkFaults)
	t.Run("an error of each resource is returned", c.checkErrors)
	t.Run("a preview with unknown outputs succeeds", func(t *testing.T) { require.NoError(t, c.run(&Recorder{Preview: true})) })
	r := &Recorder{}
	require.NoError(t, c.run(r))
	t.Run("resources have the component as parent and their own provider", func(t *testing.T) { c.checkGraph(t, r) })
	t.Run("secret inputs are marked", func(t *testing.T) { c.checkSecrets(t, r) })
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

func (c Component) checkFaults(t *testing.T) {
	r := &Recorder{}
	err := Run(r, "test", nil, c.Bad)
	require.Error(t, err)
	for _, path := range c.Faults {
		assert.Contains(t, err.Error(), path)
	}
	assert.Empty(t, r.Registrations())
}

func (c Component) checkErrors(t *testing.T) {
	for n := 1; n <= c.Custom+len(c.Packages); n++ {
		require.ErrorContains(t, c.run(&Recorder{FailAt: n}), ErrBoom.Error(), "resource %d", n)
	}
}

// checkGraph checks that every resource has the component as its parent and a provider of
// its own package, and that the component registers its outputs once.
func (c Component) checkGraph(t *testing.T, r *Recorder) {
	custom, components := 0, 0
	for _, g := range r.Registrations() {
		switch {
		case parentKey(g.Parent) == "" && g.Custom:
			assert.Contains(t, g.Type, "pulumi:providers:")
		case g.Custom:
			custom++
			assert.Contains(t, parentKey(g.Parent), c.Type, g.Name)
			assert.Contains(t, g.Type, g.Provider+":", "resource %s has the provider of another package", g.Name)
		default:
			components++
			assert.Equal(t, c.Type, g.Type)
		}
	}
	assert.Equal(t, c.Custom, custom)
	assert.Equal(t, 1, components)
	assert.Equal(t, 2, r.Outputs(), "outputs of the component and of the stack")
}

func (c Component) checkSecrets(t *testing.T, r *Recorder) {
	found := 0
	for _, g := range r.Registrations() {
		if path, ok := c.Secrets[g.Name]; ok && g.Custom && len(g.Secrets) > 0 {
			assert.Contains(t, g.Secrets, path, g.Name)
			found++
		}
	}
	assert.Equal(t, len(c.Secrets), found, "resources in Secrets that were registered with a secret input")
}
