// Package tenants creates a role and a schema in the database for each tenant, and changes
// them to what the stack declares. Jobs in the cluster do this, because the database admits
// connections from the cluster only. Each update runs two Jobs. The first tolerates tenants
// that fail, so that the app and all other tenants are updated. The last (Confirm) fails for
// them. A CronJob repeats the last update until the next one. Another CronJob counts the usage of
// each tenant.
package tenants

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	batchv1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/batch/v1"
	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi-random/sdk/v4/go/random"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/components"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/internal/workload"
)

const (
	typeToken = "platform:tenants:Tenants"
	// adminSecret has the database's address and the administrator's role, as environment
	// variables of libpq. verifiersSecret has the verifiers of the tenants' passwords and
	// the passwords of the Job's own sessions. Only the Jobs use them.
	adminSecret     = "administrator"
	verifiersSecret = "verifiers"
)

// images has the image of each major. It must have the psql and pg_dump of the server's
// major: an older pg_dump refuses a newer server, and an older server cannot read the dump
// of a newer one.
var images = map[string]string{
	"17": "docker.io/library/postgres:17.11-bookworm@sha256:639ab7ceb90e13123085b741fb31ef493fba25463002f6da665352e7b534b652",
	"18": "docker.io/library/postgres:18.1-bookworm@sha256:cc9f4143a8d2fa8cf3749d0cb4d26ecf2d53a77a2ac807e9ebd67ae22426221a",
}

// Args are the arguments of New.
type Args struct {
	// Tenants are the tenants; it may have none. A tenant that an earlier update had is
	// suspended when it is missing.
	Tenants []components.Tenant
	// AppRole is the app's role, which migrates every schema. It must exist. Required.
	AppRole string
	// AppConnections is how many database connections AppRole may open, at least 1.
	AppConnections int
	// Version is PostgreSQL's major: "17" or "18".
	Version string
	// Pods is the size of the Pod of each Job; Replicas must be 1. Its volume is for the
	// archive. Without a volume nothing can be archived.
	Pods components.Pods
	// Scheduled is the size of the CronJob's Pod; Replicas must be 1, without a volume.
	Scheduled components.Pods
	// Usage is the size of the Pod that counts usage; Replicas must be 1, without a volume.
	Usage components.Pods
	// MetricsDays is how many days the metrics are kept, at least 1. Usage is counted if it is
	// 3 or more.
	MetricsDays int
	// StorageClass is the class of the volume; empty is the cluster's default.
	StorageClass string
	// Retain keeps the archive's volume when the stack is deleted.
	Retain bool
	// DatabaseRange (CIDR) and DatabasePort are the addresses and the TCP port of the
	// database. The network policy allows connections to them.
	DatabaseRange string
	DatabasePort  int
	// Admin is the connection string of a role that may create roles and schemas, with its
	// password. Required, secret. CA is the certificate authority (PEM) of the database
	// server. Required.
	Admin, CA pulumi.StringInput
	// Quotas limits what the component's namespaces may request. Nil sets no limits.
	Quotas components.Quotas
}

// Tenants holds the outputs that the app and the pooler use.
type Tenants struct {
	pulumi.ResourceState

	// URLs are the tenants' connection strings by file name. Secret.
	URLs pulumi.StringMapOutput `pulumi:"urls"`
	// Seed is the random text from which the tenants' passwords are derived. Verifiers are
	// SCRAM verifiers of these passwords (tenancy.Verifiers). Both are secret.
	Seed, Verifiers pulumi.StringOutput

	args Args
}

// New declares the first Job and the CronJobs. If args are invalid it returns all faults and
// registers nothing. The caller passes providers for Kubernetes and for random.
func New(ctx *pulumi.Context, name string, args Args, opts ...pulumi.ResourceOption) (*Tenants, error) {
	if err := args.validate(); err != nil {
		return nil, fmt.Errorf("tenants %q: %w", name, err)
	}
	t := &Tenants{args: args}
	if err := ctx.RegisterComponentResourceV2(typeToken, name, args.inputs(), t, opts...); err != nil {
		return nil, fmt.Errorf("tenants %q: register: %w", name, err)
	}
	if err := args.register(ctx, name, t); err != nil {
		return nil, fmt.Errorf("tenants %q: %w", name, err)
	}
	return t, ctx.RegisterResourceOutputs(t, pulumi.Map{"urls": t.URLs})
}

func (a Args) register(ctx *pulumi.Context, name string, t *Tenants) error {
	seed, err := random.NewRandomPassword(ctx, name+"-tenants", &random.RandomPasswordArgs{
		Length: pulumi.Int(48), Special: pulumi.Bool(false),
	}, pulumi.Parent(t))
	if err != nil {
		return fmt.Errorf("seed: %w", err)
	}
	t.URLs, t.Seed, t.Verifiers = a.urls(seed.Result), seed.Result, a.verifiers(seed.Result)
	namespace, err := kube.Namespace(ctx, workload.TenantsNamespace, kube.Restricted, a.Quotas, pulumi.Parent(t))
	if err != nil {
		return err
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(t), pulumi.DependsOn(namespace.Ready)}
	before, err := a.prepare(ctx, t, inside)
	if err != nil {
		return err
	}
	ready := kube.After(inside, before...)
	if _, err := batchv1.NewCronJob(ctx, workload.Reconcile.Name, a.cronJob(), ready...); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	if err := a.usage(ctx, inside, before); err != nil {
		return err
	}
	tolerant := kube.Variable{Name: tenancy.VariableTolerate, Value: tenancy.TolerateTenants}.Args()
	if _, err := batchv1.NewJob(ctx, workload.Reconcile.Name, a.job(workload.Reconcile.Name, t.Verifiers, tolerant), awaited(ready)...); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	return nil
}

// prepare declares the resources that the Jobs need, and returns them.
func (a Args) prepare(ctx *pulumi.Context, t *Tenants, inside []pulumi.ResourceOption) ([]pulumi.Resource, error) {
	before, err := kube.RegisterPolicies(ctx, []kube.Policy{{
		Namespace: workload.TenantsNamespace, Name: "allow-database", App: workload.Reconcile.Name,
		To: []kube.Peer{{CIDR: a.DatabaseRange, Ports: []int{a.DatabasePort}}},
	}}, inside...)
	if err != nil {
		return nil, err
	}
	account, err := kube.Account{Ref: workload.Reconcile}.Register(ctx, inside...)
	if err != nil {
		return nil, err
	}
	before = append(before, account...)
	secrets := a.secrets(t)
	for _, secret := range slices.Sorted(maps.Keys(secrets)) {
		registered, err := corev1.NewSecret(ctx, secret, &corev1.SecretArgs{
			Metadata: kube.Meta(workload.Reconcile, secret), StringData: secrets[secret],
		}, inside...)
		if err != nil {
			return nil, fmt.Errorf("secret %s: %w", secret, err)
		}
		before = append(before, registered)
	}
	config, err := corev1.NewConfigMap(ctx, workload.Reconcile.Name, &corev1.ConfigMapArgs{
		Metadata: kube.Meta(workload.Reconcile, workload.Reconcile.Name), Data: pulumi.ToStringMap(a.files()),
	}, inside...)
	if err != nil {
		return nil, fmt.Errorf("scripts: %w", err)
	}
	before = append(before, config)
	if a.Pods.VolumeGiB == 0 {
		return before, nil
	}
	// A claim keeps the class that it was created with, because a change of the class would
	// replace the disk that has the dumps.
	claim, err := corev1.NewPersistentVolumeClaim(ctx, workload.Reconcile.Name, kube.Claim(workload.Reconcile, a.Pods, a.StorageClass),
		append(slices.Clone(inside), pulumi.RetainOnDelete(a.Retain), pulumi.IgnoreChanges([]string{"spec.storageClassName"}))...)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return append(before, claim), nil
}

func (a Args) files() map[string]string {
	return tenancy.Files(settings.TenantsOf(a.Tenants), a.AppRole, a.AppConnections)
}

// secrets returns the contents of the Jobs' Secrets by the name of the Secret.
func (a Args) secrets(t *Tenants) map[string]pulumi.StringMapOutput {
	return map[string]pulumi.StringMapOutput{
		adminSecret: secretMap(a.Admin.ToStringOutput().ApplyT(tenancy.Environment)),
		verifiersSecret: secretMap(pulumi.All(t.Verifiers, a.CA, a.Admin, t.Seed).ApplyT(func(v []any) (map[string]string, error) {
			passwords, err := tenancy.Passwords(v[2].(string), v[3].(string), settings.TenantsOf(a.Tenants))
			return map[string]string{
				tenancy.VerifiersFile: v[0].(string), path.Base(pgurl.CAPath): v[1].(string), tenancy.PasswordsFile: passwords,
			}, err
		})),
	}
}

// verifiers returns the verifiers of all passwords. It is called once, because 1,000
// verifiers take about a second.
func (a Args) verifiers(seed pulumi.StringOutput) pulumi.StringOutput {
	return seed.ApplyT(func(seed string) (string, error) { return tenancy.Verifiers(seed, settings.TenantsOf(a.Tenants)) }).(pulumi.StringOutput)
}

func (a Args) urls(seed pulumi.StringOutput) pulumi.StringMapOutput {
	return secretMap(pulumi.All(a.Admin, seed).ApplyT(func(v []any) (map[string]string, error) {
		return tenancy.URLs(v[0].(string), poolerAddress, v[1].(string), settings.TenantsOf(a.Tenants))
	}))
}

// poolerAddress is the address in the tenants' connection strings.
var poolerAddress = tenancy.Address{Host: workload.PoolerHost, Port: workload.PoolerPort}

// secretMap returns a map of texts as a secret.
func secretMap(texts pulumi.Output) pulumi.StringMapOutput {
	return pulumi.ToSecret(texts.(pulumi.StringMapOutput)).(pulumi.StringMapOutput)
}

// revision returns a hash of everything that a Job applies. It is in the Job's name, so a
// changed content is a new Job, and the same content is the Job that has run. The hash
// reveals nothing about the credentials in it, because they are long and random.
func (a Args) revision(verifiers pulumi.StringOutput) pulumi.StringOutput {
	files := a.files()
	hashed := pulumi.All(a.Admin, verifiers).ApplyT(func(v []any) string {
		sum := sha256.New()
		for _, file := range slices.Sorted(maps.Keys(files)) {
			fmt.Fprintf(sum, "%s\x00%s\x00", file, files[file])
		}
		fmt.Fprintf(sum, "%s\x00%s", v...)
		return hex.EncodeToString(sum.Sum(nil)[:5])
	}).(pulumi.StringOutput)
	return pulumi.Unsecret(hashed).(pulumi.StringOutput)
}

func (a Args) validate() error {
	errs := []error{settings.CheckTiers(settings.TenantsOf(a.Tenants))}
	if images[a.Version] == "" {
		errs = append(errs, fmt.Errorf("version: %q is not one of %s", a.Version, strings.Join(slices.Sorted(maps.Keys(images)), ", ")))
	}
	if a.AppRole == "" {
		errs = append(errs, errors.New("appRole: is missing"))
	}
	if a.AppConnections < 1 {
		errs = append(errs, fmt.Errorf("appConnections: %d is less than 1", a.AppConnections))
	}
	if a.Pods.Replicas != 1 {
		errs = append(errs, fmt.Errorf("pods: %d replicas; exactly 1 is needed", a.Pods.Replicas))
	}
	if a.Scheduled.Replicas != 1 || a.Scheduled.VolumeGiB != 0 {
		errs = append(errs, errors.New("scheduled: needs exactly 1 replica and no volume"))
	}
	if a.Usage.Replicas != 1 || a.Usage.VolumeGiB != 0 {
		errs = append(errs, errors.New("usage: needs exactly 1 replica and no volume"))
	}
	if a.MetricsDays < 1 {
		errs = append(errs, fmt.Errorf("metricsDays: %d is less than 1", a.MetricsDays))
	}
	errs = append(errs, kube.Required("admin", a.Admin), kube.Required("ca", a.CA))
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	states := pulumi.StringMap{}
	for _, t := range settings.TenantsOf(a.Tenants) {
		states[t.Name] = pulumi.String(t.State)
	}
	return pulumi.Map{"tenants": states}
}
