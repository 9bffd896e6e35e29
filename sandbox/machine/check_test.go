package machine

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestCheckRefusesFoldersThatANodeDoesNotSee(t *testing.T) {
	err := Check("/opt/platform/.sandbox/demo", "/var/lib/ci/cache/node", "/home/me/images")
	assert.ErrorContains(t, err, "/opt/platform/.sandbox/demo is in /opt, which a node does not see")
	assert.ErrorContains(t, err, "/var/lib/ci/cache/node is in /var/lib")
	assert.NotContains(t, err.Error(), "/home/me")
}

func TestCheckNamesTheMissingPackages(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	assert.ErrorContains(t, checkPrograms(t.TempDir()), "apt-get install runc nftables mount")
}

func TestCheckTellsAMissingProgramFromOneThatIsNotOnPATH(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	admin := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(admin, "runc"), nil, 0o755))
	err := checkPrograms(admin)
	assert.ErrorContains(t, err, "runc is in "+admin+", which is not on PATH")
	assert.ErrorContains(t, err, "apt-get install nftables mount")
}

// groups returns a folder like /sys/fs/cgroup.
func groups(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, content := range files {
		path := filepath.Join(root, name)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
	}
	return root
}

func TestCheckWantsTheControllersThatLimitANode(t *testing.T) {
	first := map[string]string{"cpu/tasks": "", "cpuset/tasks": "", "pids/tasks": "", "memory/memory.memsw.limit_in_bytes": ""}
	for name, test := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"version 2":                {map[string]string{"cgroup.controllers": "cpuset cpu io memory hugetlb pids\n"}, nil},
		"version 2 without memory": {map[string]string{"cgroup.controllers": "cpuset cpu io pids\n"}, []string{`version 2 without "memory"`, "cgroup_enable=memory"}},
		"version 1":                {first, nil},
		"version 1 without swap":   {map[string]string{"cpu/tasks": "", "cpuset/tasks": "", "pids/tasks": "", "memory/tasks": ""}, []string{"swapaccount=1"}},
		"none":                     {nil, []string{`version 1 without "cpu"`, `without "memory"`, `without "pids"`}},
	} {
		t.Run(name, func(t *testing.T) {
			err := checkControllers(groups(t, test.files))
			if test.want == nil {
				assert.NoError(t, err)
			}
			for _, text := range test.want {
				assert.ErrorContains(t, err, text)
			}
		})
	}
}
