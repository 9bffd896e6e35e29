package postgres

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"time"
)

// Installed returns the folder with the programs of the newest PostgreSQL on this machine. It
// looks on PATH first, then in /usr/lib/postgresql (Debian).
func Installed() (string, error) {
	if path, err := exec.LookPath("initdb"); err == nil {
		// initdb on PATH may be a link. The other programs are in the folder of its target.
		path, err = filepath.EvalSymlinks(path)
		return filepath.Dir(path), err
	}
	found, err := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("PostgreSQL is neither on PATH nor under /usr/lib/postgresql; on Debian: apt-get install postgresql")
	}
	sort.Strings(found)
	return filepath.Dir(found[len(found)-1]), nil
}

// writeCertificates writes the certificate of a new authority, and a server certificate for
// the hosts with its key. Both are valid for 30 days.
func writeCertificates(folder string, hosts []string) error {
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "sandbox authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	server := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: hosts[0]}, DNSNames: hosts,
		NotBefore: authority.NotBefore, NotAfter: authority.NotAfter, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	authorityKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serverKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	write := func(name, kind string, der []byte, err error) error {
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, name), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)
	}
	ca, caErr := x509.CreateCertificate(rand.Reader, authority, authority, &authorityKey.PublicKey, authorityKey)
	certificate, certificateErr := x509.CreateCertificate(rand.Reader, server, authority, &serverKey.PublicKey, authorityKey)
	key, keyErr := x509.MarshalECPrivateKey(serverKey)
	return errors.Join(
		write("ca.crt", "CERTIFICATE", ca, caErr), write("server.crt", "CERTIFICATE", certificate, certificateErr),
		write("server.key", "EC PRIVATE KEY", key, keyErr),
	)
}
