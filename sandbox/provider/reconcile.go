package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// The Job that brings tenants' roles and schemas to what is declared does not run
// here. The sandbox keeps the record that it keeps in the database (the table
// platform.tenants), and refuses what it refuses.
const (
	tokenJob = "kubernetes:batch/v1:Job"
	// tokenTenants is the record of a database cluster, or of an external server.
	tokenTenants = "postgres:platform/tenants:Tenants"

	scriptsID       = "tenants/reconcile"
	administratorID = "tenants/administrator"
)

// reconcile returns the record after a run of the Job; admit and made both need it.
func reconcile(c cloud.Cloud, in resource.PropertyMap) (id string, after lifecycle.History, err error) {
	if text(in, "metadata", "namespace") != "tenants" {
		return "", nil, nil
	}
	scripts, found, err := c.Get(tokenConfigMap, scriptsID)
	if err != nil || !found {
		return "", nil, err
	}
	data, _ := scripts.Inputs["data"].(map[string]any)
	declared, err := desired(fmt.Sprint(data["desired.sql"]))
	if err != nil {
		return "", nil, fmt.Errorf("desired.sql: %w", err)
	}
	if id, err = databaseOf(c); err != nil {
		return "", nil, err
	}
	record, _, err := c.Get(tokenTenants, id)
	if err != nil {
		return "", nil, err
	}
	before, err := lifecycle.Decode(record.Inputs)
	if err != nil {
		return "", nil, err
	}
	after, err = run(before, declared)
	return id, after, err
}

// run is what the Job makes of its record. It knows no more than the database: one
// that was lost and made anew gets every tenant as a new one, except for a restore.
func run(before lifecycle.History, declared []settings.Tenant) (lifecycle.History, error) {
	after, faults := before.Next(declared)
	refused := []string{"the Job reconcile failed: refused, and nothing was changed:"}
	for _, f := range faults {
		subject := f.Tenant
		if strings.HasSuffix(f.Path, ".renamedFrom") {
			subject = declared[slices.IndexFunc(declared, func(t settings.Tenant) bool { return t.Name == f.Tenant })].RenamedFrom
		}
		if _, known := before[subject]; known || strings.HasSuffix(f.Path, ".restore") {
			refused = append(refused, fmt.Sprintf("tenant %s: %s", f.Tenant, f.Problem))
		}
	}
	if len(refused) > 1 {
		return nil, errors.New(strings.Join(refused, "\n"))
	}
	return after, nil
}

func admitJob(c cloud.Cloud, token string, in resource.PropertyMap) error {
	if token != tokenJob {
		return nil
	}
	_, _, err := reconcile(c, in)
	return err
}

func runJob(c cloud.Cloud, token string, in resource.PropertyMap) error {
	if token != tokenJob {
		return nil
	}
	id, after, err := reconcile(c, in)
	if err != nil || id == "" {
		return err
	}
	record, err := after.Encode()
	if err != nil {
		return err
	}
	return c.Put(tokenTenants, id, cloud.Object{Inputs: record})
}

// databaseOf is the ID of the database cluster that the Job connects to, or the host
// of an external server. A new cluster has the host of one that was lost.
func databaseOf(c cloud.Cloud) (string, error) {
	secret, _, err := c.Get(tokenSecret, administratorID)
	if err != nil {
		return "", err
	}
	variables, _ := secret.Inputs["stringData"].(map[string]any)
	host := fmt.Sprint(variables["PGHOST"])
	ids, err := c.IDs(tokenDatabase)
	if err != nil {
		return "", err
	}
	for _, id := range ids {
		if o, _, err := c.Get(tokenDatabase, id); err != nil || o.Computed["privateHost"] == host {
			return id, err
		}
	}
	return host, nil
}

// desired reads the tenants out of the SQL that the Job gets: a line with the columns'
// names, then a line for each tenant. Names have neither commas nor quotes in them.
func desired(sql string) ([]settings.Tenant, error) {
	_, rest, found := strings.Cut(sql, "INSERT INTO desired (")
	if !found {
		if strings.Contains(sql, "INSERT INTO desired") {
			return nil, errors.New("INSERT INTO desired names no columns")
		}
		return nil, nil
	}
	head, rows, _ := strings.Cut(rest, ") VALUES")
	columns := strings.Split(head, ", ")
	var out []settings.Tenant
	for line := range strings.Lines(rows) {
		line = strings.TrimSpace(line)
		if !strings.HasPrefix(line, "(") {
			continue
		}
		values := strings.Split(strings.TrimRight(strings.TrimPrefix(line, "("), "),;"), ", ")
		if len(values) != len(columns) {
			return nil, fmt.Errorf("a row has %d values for %d columns", len(values), len(columns))
		}
		row := map[string]string{}
		for i, column := range columns {
			row[column] = strings.Trim(values[i], "'")
		}
		out = append(out, settings.Tenant{
			Name: row["name"], State: row["state"], Restore: row["restore"] == "true", Fresh: row["fresh"] == "true", RenamedFrom: row["renamed_from"],
		})
	}
	return out, nil
}
