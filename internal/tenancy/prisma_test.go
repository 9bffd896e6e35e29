package tenancy_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/settings"
	"github.com/genericcorp/platform/internal/tenancy"
	"github.com/genericcorp/platform/sandbox/postgrestest"
)

const prismaExample = "../../examples/prisma"

// Runs the example's own tests through the pooler, with the files that the platform writes.
func TestPrismaExampleOnEachMajor(t *testing.T) {
	t.Parallel()
	example := buildPrismaExample(t)
	files, err := filepath.Glob(filepath.Join(example, "dist/test/*.test.js"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, major := range majors {
		t.Run(fmt.Sprintf("PostgreSQL %d", major), func(t *testing.T) {
			t.Parallel()
			declared := tenants(
				settings.Tenant{Name: "suspended", State: settings.Suspended},
				settings.Tenant{Name: "sample", SampleData: true},
				settings.Tenant{Name: "sample-kept", SampleData: true},
				settings.Tenant{Name: "own-way", OwnsSchema: true},
			)
			declared = append(declared, named("acme", "beta-2", "delta", "first", "second-one", "deployed", "conflict", "third", "fourth", "broken",
				"refused", "race", "unlocked", "locked", "moved", "empty", "versions", "half", "fresh", "declared", "served", "stuck")...)
			out, err := prismaBed(t, major, declared).command(example, append([]string{"--test", "--test-concurrency=1"}, files...)...).CombinedOutput()
			require.NoError(t, err, "%s", out)
		})
	}
}

// prisma has the files and variables that the example gets in a Pod.
type prisma struct {
	folder, databaseURL, otherCA string
}

func prismaBed(t testing.TB, major int, declared []settings.Tenant) prisma {
	t.Helper()
	b := newBed(t, major)
	b.must(t, declared)
	list, err := tenancy.List(declared, "example.com")
	require.NoError(t, err)
	pooler := newPooler(t, b, declared)
	// The pooler's certificate has another authority than the server's.
	p := prisma{folder: t.TempDir(), databaseURL: b.URL(postgrestest.App), otherCA: b.CA}
	require.NoError(t, os.WriteFile(filepath.Join(p.folder, "tenants.json"), []byte(list), 0o600))
	for _, tenant := range declared {
		if tenant.LogsIn() {
			require.NoError(t, os.WriteFile(filepath.Join(p.folder, tenant.Name+".url"), []byte(pooler.url(t, tenant)), 0o600))
		}
	}
	return p
}

// command returns a command that runs Node.js in the example's folder.
func (p prisma) command(example string, args ...string) *exec.Cmd {
	command := exec.Command("node", args...)
	command.Dir = example
	command.Env = append(os.Environ(), "TENANTS="+p.folder, "DATABASE_URL="+p.databaseURL, "OTHER_CA="+p.otherCA, "NO_COLOR=1")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return command
}

// buildPrismaExample copies the example, installs the packages of its lock file, and compiles
// it. It returns the folder. The next run uses the same packages.
func buildPrismaExample(t testing.TB) string {
	t.Helper()
	folder := t.TempDir()
	require.NoError(t, filepath.WalkDir(prismaExample, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(prismaExample, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if entry.Name() == "node_modules" || entry.Name() == "dist" || entry.Name() == "generated" {
				return fs.SkipDir
			}
			return os.MkdirAll(filepath.Join(folder, name), 0o755)
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(folder, name), data, 0o600)
	}))
	require.NoError(t, os.Symlink(prismaPackages(t, folder), filepath.Join(folder, "node_modules")))
	npm(t, folder, "run", "build")
	return folder
}

// prismaPackages installs the packages of the lock file, once for each version of that file.
func prismaPackages(t testing.TB, example string) string {
	t.Helper()
	lock, err := os.ReadFile(filepath.Join(example, "package-lock.json"))
	require.NoError(t, err)
	require.NotContains(t, string(lock), `"resolved"`, "the lock file names a registry: .npmrc should prevent that")
	cache, err := os.UserCacheDir()
	require.NoError(t, err)
	sum := sha256.Sum256(lock)
	folder := filepath.Join(cache, "platform-sandbox", "prisma-"+hex.EncodeToString(sum[:6]))
	modules := filepath.Join(folder, "node_modules")
	if _, err := os.Stat(modules); err == nil {
		return modules
	}
	require.NoError(t, os.MkdirAll(filepath.Dir(folder), 0o750))
	fresh, err := os.MkdirTemp(filepath.Dir(folder), "prisma-")
	require.NoError(t, err)
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		data, err := os.ReadFile(filepath.Join(example, name))
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(fresh, name), data, 0o600))
	}
	npm(t, fresh, "ci", "--ignore-scripts", "--no-audit", "--no-fund")
	require.NoError(t, os.Rename(fresh, folder))
	return modules
}

func npm(t testing.TB, folder string, args ...string) {
	t.Helper()
	command := exec.Command("npm", args...)
	command.Dir = folder
	out, err := command.CombinedOutput()
	require.NoError(t, err, "npm %s: %s", strings.Join(args, " "), out)
}
