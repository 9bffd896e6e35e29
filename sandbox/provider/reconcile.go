package provider

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/pulumi/pulumi/sdk/v3/go/common/resource"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/cloud"
)

// The Jobs that reconcile the tenants' roles and schemas with the stack file do not run
// here. The sandbox keeps the same record as the Jobs do in the database (the table
// platform.tenants), and refuses what they refuse. It simulates no scheduled runs, because
// they change nothing unless somebody changed the database by hand.
const (
	tokenJob = "kubernetes:batch/v1:Job"
	// tokenTenants is the type of that record. Its ID is the ID of the database cluster,
	// or the host of an external server.
	tokenTenants = "postgres:platform/tenants:Tenants"

	scriptsID       = "tenants/reconcile"
	administratorID = "tenants/administrator"
)

// reconciled is the result of a run of a Job.
type reconciled struct {
	// database is the ID of the record; empty for a Job that is not the platform's.
	database string
	record   lifecycle.History
	// failed are the tenants that the run could not reconcile.
	failed []string
}

// reconcile returns the result that a run of a Job has, and writes nothing.
func reconcile(c cloud.Cloud, in resource.PropertyMap) (reconciled, error) {
	if text(in, "metadata", "namespace") != "tenants" {
		return reconciled{}, nil
	}
	scripts, found, err := c.Get(tokenConfigMap, scriptsID)
	if err != nil || !found {
		return reconciled{}, err
	}
	data, _ := scripts.Inputs["data"].(map[string]any)
	declared, err := parseDesired(fmt.Sprint(data["desired.sql"]))
	if err != nil {
		return reconciled{}, fmt.Errorf("desired.sql: %w", err)
	}
	var out reconciled
	if out.database, err = databaseOf(c); err != nil {
		return reconciled{}, err
	}
	object, _, err := c.Get(tokenTenants, out.database)
	if err != nil {
		return reconciled{}, err
	}
	before, err := lifecycle.Decode(object.Inputs)
	if err != nil {
		return reconciled{}, err
	}
	if out.record, err = nextRecord(before, declared); err != nil {
		return reconciled{}, err
	}
	for _, t := range declared {
		if slices.Contains(failingTenants(), t.Name) {
			out.failed = append(out.failed, t.Name)
			restore(out.record, before, t.Name, t.RenamedFrom)
		}
	}
	return out, nil
}

// restore sets names in a record to their entries before the run.
func restore(record, before lifecycle.History, names ...string) {
	for _, name := range names {
		if was, known := before[name]; known {
			record[name] = was
		} else {
			delete(record, name)
		}
	}
}

// nextRecord returns the record after a successful run, or the error with which the Job
// refuses the declared tenants. The Job knows only the record: after the loss of a database
// every tenant is new, and only a restore is refused.
func nextRecord(before lifecycle.History, declared []settings.Tenant) (lifecycle.History, error) {
	after, faults := before.Next(declared)
	refused := []string{"the Job failed: refused, and nothing was changed:"}
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

// failJob returns the error of a run that fails. It does nothing for a run that succeeds,
// and for objects that are no Job. A Job that does not tolerate failed tenants reconciles
// the others before it fails, so failJob writes their record.
func failJob(c cloud.Cloud, token string, in resource.PropertyMap) error {
	if token != tokenJob {
		return nil
	}
	after, err := reconcile(c, in)
	if err != nil || len(after.failed) == 0 || toleratesTenants(in) {
		return err
	}
	lines := []string{fmt.Sprintf("the Job %s failed: %d tenants failed, the others are as declared; the next run tries again:",
		text(in, "metadata", "name"), len(after.failed)), "tenant | step | reason"}
	for _, name := range after.failed {
		lines = append(lines, fmt.Sprintf("%s | simulated | %v", name, ErrInjected))
	}
	return errors.Join(after.write(c), errors.New(strings.Join(lines, "\n")))
}

// toleratesTenants reports whether a Job succeeds although tenants fail.
func toleratesTenants(in resource.PropertyMap) bool {
	typed, errs := apis[tokenJob].decode(in)
	job, ok := typed.(*batchv1.Job)
	return len(errs) == 0 && ok && slices.ContainsFunc(job.Spec.Template.Spec.Containers, func(c corev1.Container) bool {
		return slices.Contains(c.Env, corev1.EnvVar{Name: tenancy.VariableTolerate, Value: tenancy.TolerateTenants})
	})
}

// finishJob writes the record of a run that succeeds. It does nothing for objects that
// are no Job.
func finishJob(c cloud.Cloud, token string, in resource.PropertyMap) error {
	if token != tokenJob {
		return nil
	}
	after, err := reconcile(c, in)
	if err != nil {
		return err
	}
	return after.write(c)
}

func (r reconciled) write(c cloud.Cloud) error {
	if r.database == "" {
		return nil
	}
	record, err := r.record.Encode()
	if err != nil {
		return err
	}
	return c.Put(tokenTenants, r.database, cloud.Object{Inputs: record})
}

// databaseOf returns the ID of the database cluster that the Job connects to, or the host
// of an external server. It looks for the host among the clusters that exist, because a
// new cluster may have the host of one that was lost.
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

// parseDesired returns the tenants in the SQL of the Job (desired.sql of package tenancy):
// a line with the names of the columns, then a line for each tenant. It relies on values
// without commas and quotes.
func parseDesired(sql string) ([]settings.Tenant, error) {
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
