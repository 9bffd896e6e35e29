package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestResizeUpPassesTheFlagYesToPulumi(t *testing.T) {
	for yes, want := range map[bool]string{true: "up --refresh -s prod --yes\n", false: "up --refresh -s prod\n"} {
		folder := t.TempDir()
		pulumi, log := filepath.Join(folder, "pulumi"), filepath.Join(folder, "log")
		require.NoError(t, os.WriteFile(pulumi, []byte("#!/bin/sh\necho \"$*\" > "+log+"\n"), 0o700))
		command := &cobra.Command{}
		command.SetContext(t.Context())
		command.SetIn(strings.NewReader(""))
		command.SetOut(&strings.Builder{})
		flags := &resizeFlags{stackFlags: stackFlags{name: "prod", pulumi: pulumi}, up: true, yes: yes}
		require.NoError(t, flags.finish(command))
		got, err := os.ReadFile(log)
		require.NoError(t, err)
		assert.Equal(t, want, string(got))
	}
}

func TestResizeReturnsAnErrorIfTheAnswerIsNo(t *testing.T) {
	checkout(t, "s-4vcpu-8gb")
	command, out := &cobra.Command{}, &strings.Builder{}
	command.SetContext(t.Context())
	command.SetIn(strings.NewReader("no\n"))
	command.SetOut(out)
	flags := &resizeFlags{
		stackFlags: stackFlags{name: "prod"}, interval: time.Second, timeout: time.Minute,
		isTerminal: func(io.Reader) bool { return true },
	}
	require.ErrorIs(t, runResize(command, flags), errFound)
	assert.Contains(t, out.String(), "Nothing was changed.")
}
