package selfhosted_test

import (
	"debug/elf"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/build"
)

// buildProgram builds AgentHQ with the command of selfhosted/Dockerfile, and returns the program's path.
// source is a clone of the repository.
func buildProgram(t *testing.T, source, architecture string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(source, "selfhosted", "Dockerfile"))
	require.NoError(t, err)
	command := regexp.MustCompile(`(?s)\nRUN (cd showcase && .*?[^\\])\n`).FindSubmatch(data)
	require.NotNil(t, command, "the Dockerfile has no command that builds showcase")
	out := t.TempDir()
	cmd := exec.Command("sh", "-euc", strings.ReplaceAll(string(command[1]), "/out/", out+"/"))
	cmd.Dir = source
	cmd.Env = append(os.Environ(), "TARGETOS=linux", "TARGETARCH="+architecture, "VERSION=1.0.0")
	printed, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", printed)
	return filepath.Join(out, "agenthq")
}

// The test on the engine compares the image's program with a build outside of it, for this machine's
// processor. ARM boards cannot run here, so the file itself is checked.
func TestTheProgramForARMBoardsIsStaticSmallAndReproducible(t *testing.T) {
	program := buildProgram(t, clone(t), "arm64")
	file, err := elf.Open(program)
	require.NoError(t, err)
	defer file.Close()
	assert.Equal(t, elf.EM_AARCH64, file.Machine)
	assert.Equal(t, elf.ELFCLASS64, file.Class)
	libraries, err := file.ImportedLibraries()
	require.NoError(t, err)
	assert.Empty(t, libraries)
	for _, part := range file.Progs {
		assert.NotEqual(t, elf.PT_INTERP, part.Type, "it needs a loader, and the image has none")
	}
	info, err := os.Stat(program)
	require.NoError(t, err)
	assert.Less(t, info.Size(), int64(25_000_000), "bytes")
	assert.Equal(t, digest(t, program), digest(t, buildProgram(t, clone(t), "arm64")), "the same program from another folder")
}

// compose.yaml is valid with each profile, with and without its variables.
func TestComposeAcceptsTheFileWithEveryProfileAndVariable(t *testing.T) {
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	tools, err := build.SelfHosted(root, os.Stderr)
	require.NoError(t, err)
	file := filepath.Join(root, "selfhosted", "compose.yaml")
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	set := []string{"BACKUPS=./folder", "OFFSITE=./other"}
	for _, match := range regexp.MustCompile(`[^$]\$\{([A-Z0-9_]+)`).FindAllSubmatch(text, -1) {
		if name := string(match[1]); name != "BACKUPS" && name != "OFFSITE" {
			set = append(set, name+"=1")
		}
	}
	always := []string{"app", "caddy", "db", "migrate", "setup"}
	for profiles, more := range map[string][]string{
		"": nil, "tools": {"backup", "restore", "offsite", "fetch"}, "scheduled": {"scheduled-backups"}, "offsite": {"scheduled-offsite"},
		"tools,scheduled": {"backup", "restore", "offsite", "fetch", "scheduled-backups"},
		"metrics":         {"victoria-metrics", "vmalert"},
	} {
		for _, variables := range [][]string{nil, set} {
			cmd := exec.Command(tools.Compose, "--file", file, "config", "--services")
			cmd.Dir = t.TempDir()
			cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + cmd.Dir, "COMPOSE_PROFILES=" + profiles}, variables...)
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, "%s: %s", profiles, out)
			assert.ElementsMatch(t, append(more, always...), strings.Fields(string(out)), "a warning, or another service")
		}
	}
}
