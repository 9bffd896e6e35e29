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

// The pooler's certificates are valid for 30 years. Nothing renews them; another seed
// replaces them. The dates are fixed, so that the same seed always gives the same files.
var (
	validFrom  = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)
	validUntil = time.Date(2056, time.January, 1, 0, 0, 0, 0, time.UTC)
)

// certificate is a server's certificate, its private key, and the certificate of the
// authority that signed it. All are PEM.
type certificate struct {
	certificate, key, authority string
}

// PoolerCA returns the certificate (PEM) of the authority that signed the pooler's. The
// authority can sign for these hosts only. Another seed gives another authority.
func PoolerCA(seed string, hosts []string) (string, error) {
	own, err := newCertificate(seed, hosts)
	return own.authority, err
}

// newCertificate derives both keys from the seed, as Password does. A Pulumi provider for
// certificates would be one more plugin, and one more private key in the state. Signatures
// are deterministic (RFC 6979), so every run returns the same bytes.
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

// deriveKey returns a P-256 key, because every TLS library supports that curve. A private
// key has to be below the curve's order. deriveKey tries the next candidate if one is not.
func deriveKey(seed, purpose string) (*ecdsa.PrivateKey, error) {
	for counter := range 8 {
		mac := hmac.New(sha256.New, []byte(seed))
		fmt.Fprintf(mac, "%s/%d", purpose, counter)
		if key, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), mac.Sum(nil)); err == nil {
			return key, nil
		}
	}
	return nil, errors.New("no key can be derived from the seed: replace the seed")
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}
