package repository_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

// concurrency is the key concurrency of a job.
type concurrency struct {
	Group  string `yaml:"group"`
	Cancel bool   `yaml:"cancel-in-progress"`
}

// job has the keys of a job that the tests read.
type job struct {
	If          string            `yaml:"if"`
	Environment string            `yaml:"environment"`
	Concurrency concurrency       `yaml:"concurrency"`
	Env         map[string]string `yaml:"env"`
	Strategy    struct {
		Matrix struct {
			Stack []string `yaml:"stack"`
		} `yaml:"matrix"`
	} `yaml:"strategy"`
	Steps []struct {
		If  string `yaml:"if"`
		Run string `yaml:"run"`
	} `yaml:"steps"`
	// text is the job as YAML. Tests search it for expressions.
	text string
}

// environments returns the names that the job's environment can have; one is empty if the
// job has no environment.
func (j job) environments() []string {
	const stack = "${{ matrix.stack }}"
	if j.Environment != stack {
		return []string{j.Environment}
	}
	return j.Strategy.Matrix.Stack
}

// workflow has the keys of a workflow that the tests read.
type workflow struct {
	Name string `yaml:"name"`
	On   any    `yaml:"on"`
	Jobs map[string]job
	// head is the workflow without its jobs, as YAML.
	head string
}

// workflows returns every workflow by its file name.
func workflows(t *testing.T) map[string]workflow {
	t.Helper()
	files, err := filepath.Glob("../../.github/workflows/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	out := map[string]workflow{}
	for _, file := range files {
		out[filepath.Base(file)] = parseWorkflow(t, read(t, file))
	}
	return out
}

func parseWorkflow(t *testing.T, text string) workflow {
	t.Helper()
	var w workflow
	var raw map[string]any
	require.NoError(t, yaml.Unmarshal([]byte(text), &w))
	require.NoError(t, yaml.Unmarshal([]byte(text), &raw))
	jobs, ok := raw["jobs"].(map[string]any)
	require.True(t, ok, "the workflow has no jobs")
	for name, content := range jobs {
		data, err := yaml.Marshal(content)
		require.NoError(t, err)
		j := w.Jobs[name]
		j.text = string(data)
		w.Jobs[name] = j
	}
	delete(raw, "jobs")
	data, err := yaml.Marshal(raw)
	require.NoError(t, err)
	w.head = string(data)
	return w
}

// jobs returns every job of every workflow by "file/job".
func jobs(t *testing.T) map[string]job {
	t.Helper()
	out := map[string]job{}
	for file, w := range workflows(t) {
		for name, j := range w.Jobs {
			out[file+"/"+name] = j
		}
	}
	return out
}

// used returns the sorted names that a text reads from a context, such as secrets or vars.
func used(text, context string) []string {
	var names []string
	for _, match := range regexp.MustCompile(`\b`+context+`(?:\.|\[['"])(\w+)`).FindAllStringSubmatch(text, -1) {
		names = append(names, match[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func TestJobsWithSecretsHaveAnEnvironmentAndAVariableThatEnablesThem(t *testing.T) {
	want := map[string][2]string{
		"main.yaml/up":         {"vars.PULUMI_UP == 'true'", "${{ matrix.stack }}"},
		"preview.yaml/preview": {"vars.PULUMI_PREVIEW == 'true'", "preview"},
		"drift.yaml/drift":     {"vars.PULUMI_DRIFT == 'true'", "drift"},
		"drift.yaml/prices":    {"vars.PULUMI_DRIFT == 'true'", "drift"},
	}
	found := 0
	for name, j := range jobs(t) {
		if !strings.Contains(j.text, "secrets") {
			assert.Empty(t, j.Environment, "%s uses no secret and needs no environment", name)
			continue
		}
		found++
		require.Contains(t, want, name, "this job has secrets, and the test has no entry for it")
		assert.Contains(t, strings.Split(j.If, " && "), want[name][0], name)
		assert.NotContains(t, j.If, "||", "%s: an alternative in the condition bypasses the variable", name)
		assert.Equal(t, want[name][1], j.Environment, name)
	}
	assert.Len(t, want, found)
}

func TestWorkflowsHaveNoSecretsOutsideTheirJobs(t *testing.T) {
	for file, w := range workflows(t) {
		assert.NotContains(t, w.head, "secrets", file)
	}
}

func TestPullRequestsOfForksGetNoPreview(t *testing.T) {
	j := jobs(t)["preview.yaml/preview"]
	assert.Contains(t, strings.Split(j.If, " && "),
		"github.event.pull_request.head.repo.full_name == github.repository")
}

// A concurrency group keeps one waiting job. GitHub cancels that one when another job
// starts to wait.
func TestDeploymentsDriftChecksAndPreviewsHaveGroupsOfTheirOwn(t *testing.T) {
	all := jobs(t)
	assert.Equal(t, concurrency{Group: "deploy-${{ matrix.stack }}"}, all["main.yaml/up"].Concurrency)
	assert.Equal(t, concurrency{Group: "drift-${{ matrix.stack }}"}, all["drift.yaml/drift"].Concurrency)
	assert.Equal(t, concurrency{Group: "prices"}, all["drift.yaml/prices"].Concurrency)
	assert.Equal(t, concurrency{
		Group:  "preview-${{ github.event.pull_request.number }}-${{ matrix.stack }}",
		Cancel: true,
	}, all["preview.yaml/preview"].Concurrency)
}

func TestConditionsDoNotDependOnSecretsOrTheBackend(t *testing.T) {
	backend := regexp.MustCompile(`secrets|env\.|PULUMI_ACCESS_TOKEN|PULUMI_BACKEND_URL`)
	for name, j := range jobs(t) {
		assert.NotRegexp(t, backend, j.If, name)
		for _, step := range j.Steps {
			assert.NotRegexp(t, backend, step.If, name)
		}
	}
}

func TestJobsWithPulumiGetTheTokensAndEitherBackend(t *testing.T) {
	want := map[string]string{"PULUMI_BACKEND_URL": "${{ vars.PULUMI_BACKEND_URL }}"}
	for _, name := range []string{
		"DIGITALOCEAN_ACCESS_TOKEN", "CLOUDFLARE_API_TOKEN",
		"PULUMI_ACCESS_TOKEN", "PULUMI_CONFIG_PASSPHRASE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
	} {
		want[name] = "${{ secrets." + name + " }}"
	}
	found := 0
	for name, j := range jobs(t) {
		if !strings.Contains(j.text, "pulumi/actions@") {
			continue
		}
		found++
		for key, value := range want {
			assert.Equal(t, value, j.Env[key], "%s: %s", name, key)
		}
		assert.NotContains(t, j.Env, "DIGITALOCEAN_TOKEN", name)
	}
	assert.Equal(t, 3, found)
}
