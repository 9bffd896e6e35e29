package offsite

import (
	"fmt"
	"io"

	"filippo.io/age"
)

// Keygen writes a new private key of age with its public key in a comment, as age-keygen does.
func Keygen(out io.Writer) error {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "# public key: %s\n%s\n", identity.Recipient(), identity)
	return err
}
