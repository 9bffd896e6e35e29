// Package accounts stores who may sign in and which agents may report: members, sessions,
// invitations and API keys. Secrets are stored as hashes only.
package accounts

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// The parameters of argon2id are one of the choices of OWASP's password storage cheat sheet. It
// is the one with the least memory, because a replica has about 100 MiB.
const (
	passes    = 5
	memoryKiB = 7 * 1024
	threads   = 1
	keyBytes  = 32
)

// MinPassword is the least number of characters of a password.
const MinPassword = 12

const maxPassword = 200

// hashing has a place for each password that is hashed at the same time. It limits memory and CPU.
var hashing = make(chan struct{}, 2)

// ErrPassword means that a password is too short or too long.
var ErrPassword = fmt.Errorf("a password needs %d to %d characters", MinPassword, maxPassword)

// Hash returns the hash of a new password in PHC form.
func Hash(ctx context.Context, password string) (string, error) {
	if n := utf8.RuneCountInString(password); n < MinPassword || n > maxPassword {
		return "", ErrPassword
	}
	salt := random(16)
	key, err := derive(ctx, password, salt, func() bool { return true })
	encode := base64.RawStdEncoding.EncodeToString
	return form + encode(salt) + "$" + encode(key), err
}

// form is the start of every hash.
var form = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$", argon2.Version, memoryKiB, passes, threads)

// Verify reports whether a password belongs to a hash. An empty hash takes as long and is false.
// allowed is asked when it is this password's turn to be hashed; false ends the call.
func Verify(ctx context.Context, hash, password string, allowed func() bool) (bool, error) {
	salt, want := make([]byte, 16), make([]byte, keyBytes)
	if hash != "" {
		rest, ok := strings.CutPrefix(hash, form)
		first, second, _ := strings.Cut(rest, "$")
		var err, err2 error
		salt, err = base64.RawStdEncoding.DecodeString(first)
		want, err2 = base64.RawStdEncoding.DecodeString(second)
		if !ok || err != nil || err2 != nil {
			return false, errors.New("a stored password has an unknown form")
		}
	}
	if utf8.RuneCountInString(password) > maxPassword {
		password = ""
	}
	key, err := derive(ctx, password, salt, allowed)
	return err == nil && subtle.ConstantTimeCompare(key, want) == 1 && hash != "", err
}

// derive hashes a password when it is its turn. The result is nil if allowed returns false then.
func derive(ctx context.Context, password string, salt []byte, allowed func() bool) ([]byte, error) {
	select {
	case hashing <- struct{}{}:
		defer func() { <-hashing }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	if !allowed() {
		return nil, nil
	}
	return argon2.IDKey([]byte(password), salt, passes, memoryKiB, threads, keyBytes), nil
}

// random returns n random bytes.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // it never fails
	return b
}

// NewToken returns a random token of 256 bits for a cookie or a link.
func NewToken() string { return base64.RawURLEncoding.EncodeToString(random(32)) }

// hashOf returns what is stored of a token. The token is random, so a fast hash is enough.
func hashOf(token string) []byte {
	sum := sha256.Sum256([]byte(token))
	return sum[:]
}
