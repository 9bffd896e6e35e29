package controlplane

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"path/filepath"

	"k8s.io/client-go/util/cert"

	"github.com/genericcorp/platform/sandbox/authority"
	"github.com/genericcorp/platform/sandbox/cluster/vpc"
)

// Paths of the credentials in the control plane's folder.
const (
	tokenFile          = "tokens.csv"
	accountKey         = "service-account.key"
	servingCertificate = "apiserver/apiserver.crt"
	servingKey         = "apiserver/apiserver.key"
	// kube-apiserver connects to kubelets as kubeletClient. They trust kubeletAuthority.
	kubeletAuthority = "kubelet-ca.crt"
	kubeletClient    = "kubelet-client.crt"
	kubeletClientKey = "kubelet-client.key"
)

// serviceAddress is the address of the Service "kubernetes": the first one of its range.
var serviceAddress = net.IPv4(10, 96, 0, 1)

// writeCredentials writes the administrator's token, the key that signs tokens of service
// accounts, and the certificates of the API server, also as a client of kubelets. It returns the
// token.
func writeCredentials(folder string) (string, error) {
	random := make([]byte, 24)
	if _, err := rand.Read(random); err != nil {
		return "", err
	}
	token := hex.EncodeToString(random)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return "", err
	}
	certificate, certificateKey, err := cert.GenerateSelfSignedCertKey("127.0.0.1",
		[]net.IP{net.IPv4(127, 0, 0, 1), vpc.Cloud, serviceAddress}, []string{"localhost", "kubernetes.default.svc"})
	if err != nil {
		return "", err
	}
	issuer, err := authority.New()
	if err != nil {
		return "", err
	}
	client, clientKey, err := issuer.IssueClient("kube-apiserver", "system:masters")
	if err != nil {
		return "", err
	}
	for name, data := range map[string][]byte{
		kubeletAuthority: issuer.Certificate, kubeletClient: client, kubeletClientKey: clientKey,
		tokenFile:          []byte(fmt.Sprintf("%s,sandbox,sandbox,system:masters\n", token)),
		accountKey:         pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}),
		servingCertificate: certificate, servingKey: certificateKey,
	} {
		path := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		if err := os.WriteFile(path, data, 0o600); err != nil {
			return "", err
		}
	}
	return token, nil
}
