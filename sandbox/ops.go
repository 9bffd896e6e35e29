package main

import (
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"

	"github.com/genericcorp/platform/sandbox/build"
	"github.com/genericcorp/platform/sandbox/cloud"
	"github.com/genericcorp/platform/sandbox/digitalocean"
	"github.com/genericcorp/platform/sandbox/engine"
)

// adopt runs `ops adopt` against the stack's simulated cloud, through a simulation of
// DigitalOcean's API.
func adopt(s engine.Stack) error {
	api := httptest.NewServer((&digitalocean.Server{Cloud: cloud.At(s.CloudFolder())}).Handler())
	defer api.Close()
	program, err := build.Ops(s.Root, os.Stderr)
	if err != nil {
		return err
	}
	pulumi := s.Command()
	cmd := exec.Command(program, "adopt", "--stack", s.Name, "--pulumi", s.Tools.Pulumi)
	cmd.Dir, cmd.Stdout, cmd.Stderr = pulumi.Dir, s.Out, s.Err
	cmd.Env = append(pulumi.Environ(), "DIGITALOCEAN_API_URL="+api.URL)
	err = cmd.Run()
	exit := &exec.ExitError{}
	if errors.As(err, &exit) && exit.ExitCode() == 1 {
		return errors.New("adopt: the state and the cloud differ; run the lines of the script above in the folder " + pulumi.Dir)
	}
	if err != nil {
		return fmt.Errorf("adopt: %w", err)
	}
	return nil
}
