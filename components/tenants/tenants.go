// Package tenants brings the database to what the stack declares: a role and a
// schema for each tenant, by Jobs inside the cluster, which is the only one that the
// database admits. Each update has two: the first one tolerates tenants that fail, so that
// the app and all other tenants are updated, and the last one fails for them. A CronJob
// repeats the last update between updates.
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
	// adminSecret is the database's address and the administrator's role as libpq's
	// variables; verifiersSecret is what passwords are set from, and the passwords of
	// the Job's own sessions. Both are files or variables of the Job alone.
	adminSecret     = "administrator"
	verifiersSecret = "verifiers"
)

// images have psql and pg_dump of the server's major: an older pg_dump refuses a
// newer server, and a newer one writes what an older server does not read.
var images = map[string]string{
	"17": "docker.io/library/postgres:17.11-bookworm@sha256:639ab7ceb90e13123085b741fb31ef493fba25463002f6da665352e7b534b652",
	"18": "docker.io/library/postgres:18.1-bookworm@sha256:cc9f4143a8d2fa8cf3749d0cb4d26ecf2d53a77a2ac807e9ebd67ae22426221a",
}

// Args are what is declared, and how the database is reached.
type Args struct {
	Tenants []components.Tenant
	// AppRole is the role that migrates every schema.
	AppRole string
	// AppConnections is how many connections the plan counts for that role.
	AppConnections int
	// Version is PostgreSQL's major.
	Version string
	// Pods is what the Pod of each of an update's two Jobs gets. Its volume is the archive's;
	// without one there is no archive. Scheduled is the Pod of the runs between updates.
	Pods, Scheduled components.Pods
	// StorageClass of the volume; empty is the cluster's default.
	StorageClass string
	// Retain keeps the archive's volume when the stack goes.
	Retain bool
	// DatabaseRange and DatabasePort are where the database may be.
	DatabaseRange string
	DatabasePort  int
	// Admin connects as the administrator, with a password; CA checks who answers.
	Admin, CA pulumi.StringInput
}

// Tenants is what the app gets of it.
type Tenants struct {
	pulumi.ResourceState

	// URLs are the tenants' connection strings by file name. Secret.
	URLs pulumi.StringMapOutput `pulumi:"urls"`
	// Seed is what their passwords are derived from; Verifiers let a server check
	// these (tenancy.Verifiers). Secret.
	Seed, Verifiers pulumi.StringOutput

	args Args
}

// New declares the first Job and the schedule; invalid args register nothing.
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
	ns, err := kube.Namespace(ctx, workload.TenantsNamespace, kube.Restricted, pulumi.Parent(t))
	if err != nil {
		return err
	}
	inside := []pulumi.ResourceOption{pulumi.Parent(t), pulumi.DependsOn([]pulumi.Resource{ns})}
	before, err := a.prepare(ctx, t, inside)
	if err != nil {
		return err
	}
	ready := kube.After(inside, before...)
	if _, err := batchv1.NewCronJob(ctx, workload.Reconcile.Name, a.cronJob(), ready...); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	tolerant := kube.Variable(tenancy.VariableTolerate, tenancy.TolerateTenants)
	if _, err := batchv1.NewJob(ctx, workload.Reconcile.Name, a.job(workload.Reconcile.Name, t.Verifiers, tolerant), awaited(ready)...); err != nil {
		return fmt.Errorf("job: %w", err)
	}
	return nil
}

// prepare declares what the Job needs.
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
	// A claim keeps the class that it was created with: another class would replace it,
	// and the dumps are on its disk.
	claim, err := corev1.NewPersistentVolumeClaim(ctx, workload.Reconcile.Name, kube.Claim(workload.Reconcile, a.Pods, a.StorageClass),
		append(slices.Clone(inside), pulumi.RetainOnDelete(a.Retain), pulumi.IgnoreChanges([]string{"spec.storageClassName"}))...)
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return append(before, claim), nil
}

func (a Args) files() map[string]string {
	return tenancy.Files(a.tenants(), a.AppRole, a.AppConnections)
}

// secrets are the Job's, by name.
func (a Args) secrets(t *Tenants) map[string]pulumi.StringMapOutput {
	return map[string]pulumi.StringMapOutput{
		adminSecret: secretMap(a.Admin.ToStringOutput().ApplyT(tenancy.Environment)),
		verifiersSecret: secretMap(pulumi.All(t.Verifiers, a.CA, a.Admin, t.Seed).ApplyT(func(v []any) (map[string]string, error) {
			passwords, err := tenancy.Passwords(v[2].(string), v[3].(string), a.tenants())
			return map[string]string{
				tenancy.VerifiersFile: v[0].(string), path.Base(pgurl.CAPath): v[1].(string), tenancy.PasswordsFile: passwords,
			}, err
		})),
	}
}

// verifiers are computed once: a thousand take a second.
func (a Args) verifiers(seed pulumi.StringOutput) pulumi.StringOutput {
	return seed.ApplyT(func(seed string) (string, error) { return tenancy.Verifiers(seed, a.tenants()) }).(pulumi.StringOutput)
}

func (a Args) urls(seed pulumi.StringOutput) pulumi.StringMapOutput {
	return secretMap(pulumi.All(a.Admin, seed).ApplyT(func(v []any) (map[string]string, error) {
		return tenancy.URLs(v[0].(string), poolerAddress, v[1].(string), a.tenants())
	}))
}

// poolerAddress is where the tenants' connections go.
var poolerAddress = tenancy.Address{Host: workload.PoolerHost, Port: workload.PoolerPort}

// secretMap marks what was made of a credential as one.
func secretMap(of pulumi.Output) pulumi.StringMapOutput {
	return pulumi.ToSecret(of.(pulumi.StringMapOutput)).(pulumi.StringMapOutput)
}

// revision is a hash of everything that a run applies: another content is
// another Job, the same content is the one that has run. The credentials in it
// are long and random: a hash tells nothing of them.
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

func (a Args) tenants() []settings.Tenant { return settings.TenantsOf(a.Tenants) }

func (a Args) validate() error {
	errs := []error{settings.CheckTiers(a.tenants())}
	if images[a.Version] == "" {
		errs = append(errs, fmt.Errorf("version: %q is not one of %s", a.Version, strings.Join(slices.Sorted(maps.Keys(images)), ", ")))
	}
	if a.AppRole == "" {
		errs = append(errs, errors.New("appRole: is missing"))
	}
	if a.AppConnections < 1 {
		errs = append(errs, errors.New("appConnections: has to be 1 or more"))
	}
	if a.Pods.Replicas != 1 {
		errs = append(errs, errors.New("pods: has to be one Pod"))
	}
	if a.Scheduled.Replicas != 1 || a.Scheduled.VolumeGiB != 0 {
		errs = append(errs, errors.New("scheduled: has to be one Pod without a volume"))
	}
	errs = append(errs, kube.Required("admin", a.Admin), kube.Required("ca", a.CA))
	return errors.Join(errs...)
}

func (a Args) inputs() pulumi.Map {
	states := pulumi.StringMap{}
	for _, t := range a.tenants() {
		states[t.Name] = pulumi.String(t.State)
	}
	return pulumi.Map{"tenants": states}
}
