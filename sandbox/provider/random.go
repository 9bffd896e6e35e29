package provider

import (
	"crypto/rand"
	"math/big"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
)

// random simulates the random provider. It has only RandomPassword.
type random struct{}

func (random) configure(resource.PropertyMap) error { return nil }

func (random) invoke(token string, _ resource.PropertyMap) (resource.PropertyMap, error) {
	return nil, notSimulated(token)
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
		id:      func(string, resource.PropertyMap) string { return "none-" + randomText(8) },
		unknown: []string{"result", "bcryptHash"}, secrets: []string{"result", "bcryptHash"},
		compute: func(_ string, in resource.PropertyMap) map[string]any {
			return map[string]any{"result": randomText(int(in["length"].NumberValue())), "bcryptHash": "$2a$10$" + randomText(53)}
		},
	}
}

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// randomText returns random letters and digits, for credentials and IDs.
func randomText(length int) string {
	out := make([]byte, length)
	for i := range out {
		n, err := rand.Int(rand.Reader, big.NewInt(int64(len(alphabet))))
		if err != nil {
			panic(err) // the machine has no source of randomness
		}
		out[i] = alphabet[n.Int64()]
	}
	return string(out)
}
