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

// New makes the simulated provider of a name.
func New(name string, c cloud.Cloud) (*Provider, error) {
	k, err := newKubernetes(c)
	if err != nil {
		return nil, err
	}
	simulations := map[string]simulation{
		"cloudflare": &cloudflare{}, "digitalocean": &digitalOcean{cloud: c}, "kubernetes": k, "random": random{},
	}
	s, ok := simulations[name]
	if !ok {
		return nil, fmt.Errorf("the sandbox does not simulate the provider %q", name)
	}
	return &Provider{version: semver.MustParse(cloud.Providers[name]), cloud: c, simulation: s}, nil
}

// Serve runs a provider for the engine at an address until that goes away. The
// engine reads the port that it prints.
func Serve(name, engine string) error {
	c, err := cloud.Open()
	if err != nil {
		return err
	}
	p, err := New(name, c)
	if err != nil {
		return err
	}
	ctx, gone := context.WithCancel(context.Background())
	defer gone()
	if engine != "" {
		if err := rpcutil.Healthcheck(ctx, engine, 5*time.Minute, gone); err != nil {
			return fmt.Errorf("no engine at %s: %w", engine, err)
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
