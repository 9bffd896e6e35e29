package provider

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/blang/semver"
	"github.com/pulumi/pulumi/sdk/v3/go/common/resource/plugin"
	"github.com/pulumi/pulumi/sdk/v3/go/common/util/rpcutil"
	pulumirpc "github.com/pulumi/pulumi/sdk/v3/proto/go"
	"google.golang.org/grpc"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// New returns the simulated provider with a name: cloudflare, digitalocean, kubernetes or
// random. Its resources are in c.
func New(name string, c cloud.Cloud) (*Provider, error) {
	database, err := cloud.OpenDatabase()
	if err != nil {
		return nil, err
	}
	k, err := newKubernetes(c)
	if err != nil {
		return nil, err
	}
	simulations := map[string]simulation{
		"cloudflare": &cloudflare{}, "digitalocean": &digitalOcean{cloud: c, database: database}, "kubernetes": k, "random": random{},
	}
	s, ok := simulations[name]
	if !ok {
		return nil, fmt.Errorf("the sandbox does not simulate the provider %q; it has cloudflare, digitalocean, kubernetes and random", name)
	}
	return &Provider{version: semver.MustParse(cloud.Providers[name]), cloud: c, simulation: s}, nil
}

// Serve runs the provider with a name until the engine exits. engine is the engine's gRPC
// address; without one, Serve runs until the process ends. It prints the port that the
// provider listens on, which the engine reads. The cloud is the folder in cloud.EnvFolder.
func Serve(name, engine string) error {
	c, err := cloud.Open()
	if err != nil {
		return err
	}
	p, err := New(name, c)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if engine != "" {
		if err := rpcutil.Healthcheck(ctx, engine, 5*time.Minute, cancel); err != nil {
			return fmt.Errorf("no engine answers at %s: %w", engine, err)
		}
	}
	stop := make(chan bool)
	go func() {
		<-ctx.Done()
		close(stop)
	}()
	handle, err := rpcutil.ServeWithOptions(rpcutil.ServeOptions{
		Cancel: stop,
		Init: func(server *grpc.Server) error {
			pulumirpc.RegisterResourceProviderServer(server, plugin.NewProviderServer(p))
			return nil
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, handle.Port)
	return <-handle.Done
}
