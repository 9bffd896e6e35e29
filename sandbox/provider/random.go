package provider

import (
	"crypto/rand"
	"fmt"
	"math/big"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// random simulates the random provider.
type random struct{}

func (random) configure(resource.PropertyMap) error { return nil }

func (random) invoke(token string, _ resource.PropertyMap) (resource.PropertyMap, error) {
	return nil, fmt.Errorf("the sandbox does not simulate %s", token)
}

func (random) kind(token string) *kind {
	if token != "random:index/randomPassword:RandomPassword" {
		return nil
	}
	all := []string{
		"keepers", "length", "lower", "minLower", "minNumeric", "minSpecial", "minUpper", "number", "numeric",
		"overrideSpecial", "special", "upper",
	}
	return &kind{
		inputs: all, required: []string{"length"}, replaceOn: all,
		id:      func(string, resource.PropertyMap) string { return "none-" + secretText(8) },
		unknown: []string{"result", "bcryptHash"}, secrets: []string{"result", "bcryptHash"},
		compute: func(_ string, in resource.PropertyMap) map[string]any {
			return map[string]any{"result": secretText(int(in["length"].NumberValue())), "bcryptHash": "$2a$10$" + secretText(53)}
		},
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// secretText is random, as a real credential is.
func secretText(length int) string {
	out := make([]byte, length)
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // the machine has no randomness
		}
		out[i] = alphabet[n.Int64()]
	}
	return string(out)
}
