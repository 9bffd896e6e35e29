package provider

import (
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// digitalOcean simulates the DigitalOcean provider and the cloud behind it.
type digitalOcean struct {
	cloud cloud.Cloud
	// database is nil unless a real server has the role of the databases.
	database *cloud.Database
}

// password returns the password of a role of a database: of the real server, or a random one.
func (d *digitalOcean) password() string {
	if d.database != nil {
		return d.database.Password
	}
	return "AVNS_" + randomText(20)
}

const (
	tokenCluster  = "digitalocean:index/kubernetesCluster:KubernetesCluster"
	tokenDatabase = "digitalocean:index/databaseCluster:DatabaseCluster"
	tokenVPC      = cloud.TokenVPC
)

// configure returns an error if there is no token in the inputs or in the environment
// variables that the real provider reads (terraform-provider-digitalocean, provider.go).
func (*digitalOcean) configure(inputs resource.PropertyMap) error {
	if _, ok := inputs["token"]; ok || os.Getenv("DIGITALOCEAN_TOKEN") != "" || os.Getenv(envDoctl) != "" {
		return nil
	}
	return errors.New("digitalocean: Unable to authenticate you: no token; set the input token or " + envDoctl)
}

// envDoctl is the environment variable with the token for doctl. The provider reads it
// too.
const envDoctl = "DIGITALOCEAN_ACCESS_TOKEN"

func (d *digitalOcean) kind(token string) *kind {
	k := map[string]func() *kind{
		tokenVPC:      d.vpcKind,
		tokenCluster:  d.clusterKind,
		tokenDatabase: d.databaseKind,
		"digitalocean:index/databaseDb:DatabaseDb":                             d.databaseDbKind,
		"digitalocean:index/databaseUser:DatabaseUser":                         d.databaseUserKind,
		"digitalocean:index/databaseFirewall:DatabaseFirewall":                 d.firewallKind,
		"digitalocean:index/databasePostgresqlConfig:DatabasePostgresqlConfig": d.postgresConfigKind,
		tokenUptimeCheck: d.uptimeCheckKind,
		tokenUptimeAlert: d.uptimeAlertKind,
		"digitalocean:index/monitorAlert:MonitorAlert": d.monitorAlertKind,
		"digitalocean:index/droplet:Droplet":           dropletKind,
		"digitalocean:index/volume:Volume":             volumeKind,
	}[token]
	if k == nil {
		return nil
	}
	return k()
}

// uuid returns a function for kind.id that makes a random UUID.
func uuid(token string) func(string, resource.PropertyMap) string {
	return func(name string, _ resource.PropertyMap) string {
		h := hexID(token, name, randomText(8))
		return fmt.Sprintf("%s-%s-4%s-8%s-%s", h[0:8], h[8:12], h[13:16], h[17:20], h[20:32])
	}
}

func dropletKind() *kind {
	return &kind{
		required: []string{"image", "region", "size"}, check: checkRegion, id: uuid("droplet"), unknown: []string{"ipv4Address"},
		compute: func(string, resource.PropertyMap) map[string]any { return map[string]any{"ipv4Address": "203.0.113.9"} },
	}
}

func volumeKind() *kind {
	return &kind{required: []string{"region", "size"}, check: checkRegion, id: uuid("volume")}
}

func checkRegion(_ string, in resource.PropertyMap) []plugin.CheckFailure {
	region := text(unwrap(in), "region")
	if region == "" || slices.Contains(catalog.Regions, region) {
		return nil
	}
	return []plugin.CheckFailure{{Property: "region", Reason: fmt.Sprintf("%q is not a region; one of %s", region, strings.Join(catalog.Regions, ", "))}}
}

func (d *digitalOcean) exists(token, id string) error {
	_, found, err := d.cloud.Get(token, id)
	if err == nil && !found {
		err = fmt.Errorf("404: no %s %q", token[strings.LastIndex(token, ":")+1:], id)
	}
	return err
}

func (d *digitalOcean) invoke(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	switch token {
	case "digitalocean:index/getKubernetesVersions:getKubernetesVersions":
		var versions []any
		for _, version := range d.offered() {
			versions = append(versions, version)
		}
		return resource.NewPropertyMapFromMap(map[string]any{
			"id": "versions", "latestVersion": versions[0], "validVersions": versions,
		}), nil
	case "digitalocean:index/getKubernetesCluster:getKubernetesCluster":
		return d.lookupCluster(args)
	case "digitalocean:index/getVpc:getVpc":
		return d.lookupVPC(args)
	case "digitalocean:index/getDatabaseCa:getDatabaseCa":
		id, certificate := text(args, "clusterId"), fakeCertificate("the database")
		if d.database != nil {
			certificate = d.database.CA
		}
		return resource.NewPropertyMapFromMap(map[string]any{"id": id, "clusterId": id, "certificate": certificate}), nil
	}
	return nil, notSimulated(token)
}

// fakeCertificate returns a text in the form of a PEM certificate. It cannot be parsed
// as one.
func fakeCertificate(of string) string {
	body := base64.StdEncoding.EncodeToString([]byte("certificate authority of " + of))
	return "-----BEGIN CERTIFICATE-----\n" + body + "\n-----END CERTIFICATE-----\n"
}
