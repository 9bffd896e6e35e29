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
	key, err := derive(ctx, password, salt)
	if err != nil {
		return "", err
	}
	encode := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, threads, encode(salt), encode(key)), nil
}

// absent is compared with when there is no such member, so that the response takes as long.
var absent = fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, threads,
	base64.RawStdEncoding.EncodeToString(make([]byte, 16)), base64.RawStdEncoding.EncodeToString(make([]byte, keyBytes)))

// Verify reports whether a password belongs to a hash. An empty hash takes as long and is false.
// allowed is asked when it is this password's turn to be hashed; false ends the call.
func Verify(ctx context.Context, hash, password string, allowed func() bool) (bool, error) {
	known := hash != ""
	if !known {
		hash = absent
	}
	parts := strings.Split(hash, "$")
	if len(parts) != 6 || parts[3] != fmt.Sprintf("m=%d,t=%d,p=%d", memoryKiB, passes, threads) {
		return false, errors.New("a stored password has an unknown form")
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, err
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil {
		return false, err
	}
	if utf8.RuneCountInString(password) > maxPassword {
		password = ""
	}
	if err := turn(ctx); err != nil {
		return false, err
	}
	defer func() { <-hashing }()
	if !allowed() {
		return false, nil
	}
	key := argon2.IDKey([]byte(password), salt, passes, memoryKiB, threads, keyBytes)
	return subtle.ConstantTimeCompare(key, want) == 1 && known, nil
}

func derive(ctx context.Context, password string, salt []byte) ([]byte, error) {
	if err := turn(ctx); err != nil {
		return nil, err
	}
	defer func() { <-hashing }()
	return argon2.IDKey([]byte(password), salt, passes, memoryKiB, threads, keyBytes), nil
}

func turn(ctx context.Context) error {
	select {
	case hashing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
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
