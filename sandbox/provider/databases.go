package provider

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"

	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/sandbox/cloud"
)

func (d *digitalOcean) databaseKind() *kind {
	return &kind{
		inputs: []string{
			"backupRestore", "engine", "evictionPolicy", "maintenanceWindows", "name", "nodeCount", "privateNetworkUuid",
			"projectId", "region", "size", "sqlMode", "storageAutoscale", "storageSizeMib", "tags", "version",
		},
		required: []string{"engine", "nodeCount", "region", "size"}, uniqueName: true, deleteFirst: true,
		replaceOn: []string{"engine", "name"},
		check:     checkDatabase,
		checkCloud: func(in resource.PropertyMap) error {
			return d.exists(tokenVPC, text(in, "privateNetworkUuid"))
		},
		checkUpdate: checkGrowth,
		id:          uuid(tokenDatabase),
		unknown: []string{
			"clusterUrn", "database", "host", "metricsEndpoints", "password", "port", "privateHost", "privateUri", "uri", "user",
		},
		compute: d.computeDatabase, secrets: []string{"password", "privateUri", "uri"},
		afterDelete: func(id string, old cloud.Object) error {
			return errors.Join(d.startLeaving(id, old.Inputs["privateNetworkUuid"]), d.cloud.Delete(tokenTenants, id))
		},
	}
}

func checkDatabase(name string, in resource.PropertyMap) []plugin.CheckFailure {
	failures := checkRegion(name, in)
	in = unwrap(in)
	size, err := catalog.DatabaseBySize(text(in, "size"))
	if err != nil {
		failures = append(failures, plugin.CheckFailure{Property: "size", Reason: err.Error()})
	} else if nodes := in["nodeCount"]; nodes.IsNumber() && int(nodes.NumberValue()) > size.MaxNodes {
		failures = append(failures, plugin.CheckFailure{Property: "nodeCount", Reason: fmt.Sprintf("the size %s has at most %d nodes", text(in, "size"), size.MaxNodes)})
	}
	return failures
}

// checkGrowth refuses a smaller size and an older major. "You cannot resize cluster nodes to
// smaller sizes" (docs.digitalocean.com/products/databases/postgresql/details/limits), and the
// API has an upgrade of the major only (digitalocean/openapi, databases_update_major_version.yml).
// The text of the API's error is not known.
func checkGrowth(olds, news resource.PropertyMap) error {
	if catalog.IsSmallerDatabase(text(news, "size"), text(olds, "size")) {
		return fmt.Errorf("422: a cluster of %s cannot be resized to %s", text(olds, "size"), text(news, "size"))
	}
	if from, to := text(olds, "version"), text(news, "version"); to != "" && to < from {
		return fmt.Errorf("422: a cluster of version %s cannot be changed to %s", from, to)
	}
	return nil
}

func (d *digitalOcean) computeDatabase(id string, in resource.PropertyMap) map[string]any {
	host, password := text(in, "name")+"-do-user-1-0.db.ondigitalocean.com", d.password()
	uri := func(host string) string {
		return fmt.Sprintf("postgresql://doadmin:%s@%s:25060/defaultdb?sslmode=require", password, host)
	}
	return map[string]any{
		"clusterUrn": "do:dbaas:" + id, "database": "defaultdb", "host": host, "metricsEndpoints": []any{},
		"password": password, "port": 25060, "privateHost": "private-" + host,
		"privateUri": uri("private-" + host), "uri": uri(host), "user": "doadmin",
	}
}

// databaseExists returns an error if the database cluster of the inputs does not exist.
func (d *digitalOcean) databaseExists(in resource.PropertyMap) error {
	return d.exists(tokenDatabase, text(in, "clusterId"))
}

func (d *digitalOcean) databaseDbKind() *kind {
	return &kind{
		inputs: []string{"clusterId", "name"}, required: []string{"clusterId"}, replaceOn: []string{"clusterId", "name"}, deleteFirst: true,
		checkCloud: d.databaseExists,
		id: func(_ string, in resource.PropertyMap) string {
			return text(in, "clusterId") + "/database/" + text(in, "name")
		},
		importID: stateID("database"),
	}
}

func (d *digitalOcean) databaseUserKind() *kind {
	return &kind{
		inputs: []string{"clusterId", "mysqlAuthPlugin", "name", "settings"}, required: []string{"clusterId"},
		replaceOn: []string{"clusterId", "name"}, deleteFirst: true, checkCloud: d.databaseExists,
		id: func(_ string, in resource.PropertyMap) string {
			return text(in, "clusterId") + "/user/" + text(in, "name")
		},
		importID: stateID("user"),
		unknown:  []string{"password", "role", "accessCert", "accessKey"}, secrets: []string{"password", "accessKey"},
		compute: func(string, resource.PropertyMap) map[string]any {
			return map[string]any{"password": d.password(), "role": "normal", "accessCert": "", "accessKey": ""}
		},
	}
}

// firewallSuffix is added to the ID of a database cluster for the ID of its firewall. An
// import takes the cluster's ID without it (resource_database_firewall.go of
// digitalocean/terraform-provider-digitalocean).
const firewallSuffix = "-firewall"

// stateID returns a function that turns "cluster,name", the ID for an import, into
// "cluster/kind/name", the ID in the state (resource_database_db.go and
// resource_database_user.go of digitalocean/terraform-provider-digitalocean).
func stateID(kind string) func(string) string {
	return func(id string) string {
		cluster, name, ok := strings.Cut(id, ",")
		if !ok {
			return id
		}
		return cluster + "/" + kind + "/" + name
	}
}

func (d *digitalOcean) firewallKind() *kind {
	return &kind{
		inputs: []string{"clusterId", "rules"}, required: []string{"clusterId", "rules"}, replaceOn: []string{"clusterId"},
		check: checkFirewall,
		checkCloud: func(in resource.PropertyMap) error {
			return errors.Join(append(d.checkTrustedSources(in), d.databaseExists(in))...)
		},
		id:       func(_ string, in resource.PropertyMap) string { return text(in, "clusterId") + firewallSuffix },
		importID: func(id string) string { return strings.TrimSuffix(id, firewallSuffix) + firewallSuffix },
	}
}

// configSuffix is added to the ID of a database cluster for the ID of its settings. An
// import takes the cluster's ID without it (resource_database_postgres_config.go of
// digitalocean/terraform-provider-digitalocean).
const configSuffix = "/postgresql-config"

// postgresConfigKind simulates the PostgreSQL settings that the platform sets. Every
// database cluster has settings, and a create changes them. So a create succeeds if the
// settings exist. A delete of the real provider removes them from the state only.
func (d *digitalOcean) postgresConfigKind() *kind {
	return &kind{
		inputs: []string{"clusterId", "idleInTransactionSessionTimeout", "tempFileLimit"}, required: []string{"clusterId"}, replaceOn: []string{"clusterId"},
		check: checkPostgresConfig, checkCloud: d.databaseExists, checkID: func(string) error { return nil },
		id:       func(_ string, in resource.PropertyMap) string { return text(in, "clusterId") + configSuffix },
		importID: func(id string) string { return strings.TrimSuffix(id, configSuffix) + configSuffix },
	}
}

// checkPostgresConfig returns values outside the ranges of digitalocean/openapi
// (databases/models/advanced_config/postgres_advanced_config.yml). The session timeout is
// in milliseconds.
func checkPostgresConfig(_ string, in resource.PropertyMap) []plugin.CheckFailure {
	var failures []plugin.CheckFailure
	for name, allowed := range map[resource.PropertyKey][2]float64{
		"idleInTransactionSessionTimeout": {0, 604800000}, "tempFileLimit": {-1, 2147483647},
	} {
		if v := unwrap(in)[name]; v.IsNumber() && (v.NumberValue() < allowed[0] || v.NumberValue() > allowed[1]) {
			failures = append(failures, plugin.CheckFailure{
				Property: name, Reason: fmt.Sprintf("%.0f is not between %.0f and %.0f", v.NumberValue(), allowed[0], allowed[1]),
			})
		}
	}
	return failures
}

// checkTrustedSources returns an error for each trusted source that is a missing cluster
// or no address. "ip_addr" takes an IPv4 address or a CIDR range (digitalocean/openapi,
// databases/models/firewall_rule.yml).
func (d *digitalOcean) checkTrustedSources(in resource.PropertyMap) []error {
	var errs []error
	for _, rule := range in["rules"].ArrayValue() {
		value := text(rule.ObjectValue(), "value")
		switch kind := text(rule.ObjectValue(), "type"); kind {
		case "k8s":
			errs = append(errs, d.exists(tokenCluster, value))
		case "ip_addr":
			_, notAddress := netip.ParseAddr(value)
			if _, notRange := netip.ParsePrefix(value); notAddress != nil && notRange != nil {
				errs = append(errs, fmt.Errorf("422: invalid ip_addr %q", value))
			}
		default:
			errs = append(errs, fmt.Errorf("the sandbox does not simulate trusted sources of type %q", kind))
		}
	}
	return errs
}

func checkFirewall(_ string, in resource.PropertyMap) []plugin.CheckFailure {
	rules := unwrap(in)["rules"]
	if rules.IsArray() && len(rules.ArrayValue()) == 0 {
		return []plugin.CheckFailure{{Property: "rules", Reason: "is empty: without a rule the database is open to the Internet; set at least one"}}
	}
	return nil
}
