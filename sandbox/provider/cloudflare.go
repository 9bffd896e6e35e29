package provider

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"os"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
)

// cloudflare simulates the Cloudflare provider.
type cloudflare struct{}

func (*cloudflare) configure(inputs resource.PropertyMap) error {
	if _, ok := inputs["apiToken"]; ok || os.Getenv("CLOUDFLARE_API_TOKEN") != "" {
		return nil
	}
	return errors.New("cloudflare: no API token; set the input apiToken or CLOUDFLARE_API_TOKEN")
}

func (*cloudflare) kind(token string) *kind {
	if token != "cloudflare:index/record:Record" {
		return nil
	}
	return &kind{
		inputs: []string{
			"allowOverwrite", "comment", "content", "data", "name", "priority", "proxied", "tags", "ttl", "type", "value", "zoneId",
		},
		required:  []string{"name", "type", "zoneId"},
		replaceOn: []string{"zoneId", "name", "type"},
		check:     checkRecord,
		id: func(_ string, in resource.PropertyMap) string {
			return hexID(text(in, "zoneId"), text(in, "type"), text(in, "name"), text(in, "data", "tag"))
		},
		unknown: []string{"hostname", "createdOn"},
		compute: func(_ string, in resource.PropertyMap) map[string]any {
			return map[string]any{"hostname": text(in, "name"), "createdOn": "2026-01-01T00:00:00Z"}
		},
	}
}

func checkRecord(_ string, in resource.PropertyMap) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	fail := func(key resource.PropertyKey, format string, args ...any) {
		failures = append(failures, plugin.CheckFailure{Property: key, Reason: fmt.Sprintf(format, args...)})
	}
	in = unwrap(in)
	switch content := text(in, "content"); text(in, "type") {
	case "A":
		if ip, err := netip.ParseAddr(content); content != "" && (err != nil || !ip.Is4()) {
			fail("content", "%q is not an IPv4 address", content)
		}
		if _, ok := in["content"]; !ok {
			fail("content", "is required for an A record")
		}
	case "CAA":
		if text(in, "data", "tag") == "" || text(in, "data", "value") == "" || text(in, "data", "flags") == "" {
			fail("data", "a CAA record needs flags, tag and value")
		}
	default:
		fail("type", "the sandbox does not simulate records of type %q", text(in, "type"))
	}
	if ttl, ok := in["ttl"]; ok && ttl.IsNumber() && ttl.NumberValue() != 1 && (ttl.NumberValue() < 60 || ttl.NumberValue() > 86400) {
		fail("ttl", "%v is neither 1 (automatic) nor between 60 and 86400", ttl.NumberValue())
	}
	return failures
}

func (*cloudflare) invoke(token string, args resource.PropertyMap) (resource.PropertyMap, error) {
	if token != "cloudflare:index/getZone:getZone" {
		return nil, notSimulated(token)
	}
	name := text(args, "name")
	id := hexID("zone", name)
	return resource.NewPropertyMapFromMap(map[string]any{
		"id": id, "zoneId": id, "name": name, "accountId": hexID("account"), "status": "active", "paused": false,
		"plan": "Free Website", "nameServers": []any{"amy.ns.cloudflare.com", "bob.ns.cloudflare.com"}, "vanityNameServers": []any{},
	}), nil
}

// hexID returns an identifier in Cloudflare's form, 32 hexadecimal digits. Equal parts
// give an equal identifier.
func hexID(parts ...string) string {
	hash := sha256.New()
	for _, part := range parts {
		_, _ = hash.Write([]byte(part + "\x00")) // a hash never returns an error
	}
	return hex.EncodeToString(hash.Sum(nil)[:16])
}
