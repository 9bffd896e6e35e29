package tenancy

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"
)

// The pooler's certificates are valid for these thirty years: nothing renews them,
// another seed replaces them. Fixed dates make the same seed give the same files.
var (
	validFrom  = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	validUntil = time.Date(2056, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// certificate is a server's certificate with its key and its authority, all PEM.
type certificate struct {
	certificate, key, authority string
}

// PoolerCA is the authority (PEM) of the pooler's certificate. It can sign for hosts
// only. Another seed is another authority.
func PoolerCA(seed string, hosts []string) (string, error) {
	own, err := newCertificate(seed, hosts)
	return own.authority, err
}

// newCertificate derives keys from the seed, as passwords are: a provider of
// certificates would be one more part, with one more private key in the state.
// Signatures without randomness (RFC 6979) make every run give the same bytes.
func newCertificate(seed string, hosts []string) (certificate, error) {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "pooler authority"},
		NotBefore: validFrom, NotAfter: validUntil, IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		KeyUsage: x509.KeyUsageCertSign, PermittedDNSDomains: hosts, PermittedDNSDomainsCritical: true,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "pooler"}, DNSNames: hosts,
		NotBefore: validFrom, NotAfter: validUntil, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, err := deriveKey(seed, "pooler-authority")
	if err != nil {
		return certificate{}, err
	}
	serverKey, err := deriveKey(seed, "pooler-server")
	if err != nil {
		return certificate{}, err
	}
	authorityDER, err := x509.CreateCertificate(nil, authority, authority, &authorityKey.PublicKey, authorityKey)
	if err != nil {
		return certificate{}, err
	}
	serverDER, err := x509.CreateCertificate(nil, server, authority, &serverKey.PublicKey, authorityKey)
	if err != nil {
		return certificate{}, err
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(serverKey)
	return certificate{encode("CERTIFICATE", serverDER), encode("PRIVATE KEY", keyDER), encode("CERTIFICATE", authorityDER)}, err
}

// deriveKey is a P-256 key, which every TLS library knows. A scalar has to be below
// the curve's order; the next candidate is taken where one is not.
func deriveKey(seed, purpose string) (*ecdsa.PrivateKey, error) {
	for counter := range 8 {
		mac := hmac.New(sha256.New, []byte(seed))
		fmt.Fprintf(mac, "%s/%d", purpose, counter)
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), mac.Sum(nil)); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("no key comes of the seed; replace it")
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
