package repository_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ghScript is the script of a fake gh. It answers the query of docs/ci.md for the user's
// ID, and logs the body of each request.
const ghScript = `case "$*" in
"api user --jq .id") echo 4242 ;;
*"--input -") tr -d '\n' >>"$(dirname "$0")/gh.log"; echo >>"$(dirname "$0")/gh.log" ;;
esac`

// runSetup runs every shell block of docs/ci.md with fake commands. It returns gh's
// arguments, a line for each call, and after it the body of a request if there is one.
func runSetup(t *testing.T) []string {
	t.Helper()
	var script strings.Builder
	script.WriteString("set -euo pipefail\n")
	blocks := regexp.MustCompile("(?ms)^```sh\n(.*?)^```").FindAllStringSubmatch(read(t, "../../docs/ci.md"), -1)
	require.NotEmpty(t, blocks)
	for _, block := range blocks {
		script.WriteString(block[1])
	}
	log := fakeCommand(t, "gh", ghScript)
	fakeCommand(t, "pulumi", "")
	fakeCommand(t, "git", "")
	file := filepath.Join(t.TempDir(), "setup.sh")
	require.NoError(t, os.WriteFile(file, []byte(script.String()), 0o600))
	out, err := exec.Command("bash", file).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.Split(strings.TrimSpace(read(t, log)), "\n")
}

// usedByJobs returns what the jobs use: secrets as "environment/secret", variables, and
// environments.
func usedByJobs(t *testing.T) (secrets, variables, environments []string) {
	t.Helper()
	for _, j := range jobs(t) {
		variables = append(variables, used(j.text, "vars")...)
		if j.Environment == "" {
			continue
		}
		for _, environment := range j.environments() {
			environments = append(environments, environment)
			for _, secret := range used(j.text, "secrets") {
				secrets = append(secrets, environment+"/"+secret)
			}
		}
	}
	return unique(secrets), unique(variables), unique(environments)
}

func unique(names []string) []string {
	slices.Sort(names)
	return slices.Compact(names)
}

// matches returns the groups of each command that matches a pattern, joined by slashes,
// sorted and without duplicates.
func matches(commands []string, pattern string) []string {
	var out []string
	for _, command := range commands {
		if match := regexp.MustCompile(pattern).FindStringSubmatch(command); match != nil {
			out = append(out, strings.Join(match[1:], "/"))
		}
	}
	return unique(out)
}

func TestSetupSetsExactlyTheSecretsAndVariablesThatTheWorkflowsUse(t *testing.T) {
	commands := runSetup(t)
	secrets, variables, environments := usedByJobs(t)

	var set []string
	for _, command := range commands {
		if !strings.HasPrefix(command, "secret set ") {
			continue
		}
		match := regexp.MustCompile(`^secret set (\w+) --env (\w+)$`).FindStringSubmatch(command)
		require.NotNil(t, match, "%q: a secret needs an environment, and gh has to ask for its value", command)
		set = append(set, match[2]+"/"+match[1])
	}
	assert.Equal(t, secrets, unique(set))
	assert.Equal(t, variables, matches(commands, `^variable set (\w+) --body `))
	assert.Equal(t, environments, matches(commands, `^api --method PUT repos/\{owner\}/\{repo\}/environments/(\w+) `))
}

// environment is the body of the request that creates an environment.
type environment struct {
	Reviewers []struct {
		Type string `json:"type"`
		ID   int    `json:"id"`
	} `json:"reviewers"`
	Branches *struct {
		Protected bool `json:"protected_branches"`
		Custom    bool `json:"custom_branch_policies"`
	} `json:"deployment_branch_policy"`
}

func TestSetupProtectsEachEnvironmentAsDocumented(t *testing.T) {
	commands := runSetup(t)
	made := map[string]environment{}
	for i, command := range commands {
		match := regexp.MustCompile(`^api --method PUT .*/environments/(\w+) `).FindStringSubmatch(command)
		if match == nil {
			continue
		}
		var e environment
		require.NoError(t, json.Unmarshal([]byte(commands[i+1]), &e), commands[i+1])
		made[match[1]] = e
	}
	for name, reviewed := range map[string]bool{"demo": false, "prod": true, "preview": true, "drift": false} {
		require.Contains(t, made, name)
		assert.Equal(t, reviewed, len(made[name].Reviewers) == 1, name)
		for _, reviewer := range made[name].Reviewers {
			assert.Equal(t, 4242, reviewer.ID, name)
			assert.Equal(t, "User", reviewer.Type, name)
		}
	}
	// Only a preview may run the code of another branch, and a reviewer reads it first.
	main := matches(commands, `/environments/(\w+)/deployment-branch-policies -f name=main$`)
	assert.Equal(t, []string{"demo", "drift", "prod"}, main)
	for _, name := range main {
		require.NotNil(t, made[name].Branches, name)
		assert.True(t, made[name].Branches.Custom, name)
	}
	assert.Nil(t, made["preview"].Branches)
}

func TestSetupEnablesJobsAfterItsEnvironmentsAndSecretsExist(t *testing.T) {
	commands := runSetup(t)
	last := map[string]int{}
	first := len(commands)
	for i, command := range commands {
		for _, kind := range []string{"secret set", "api --method PUT"} {
			if strings.HasPrefix(command, kind) {
				last[kind] = i
			}
		}
		if strings.HasSuffix(command, "--body true") {
			first = min(first, i)
		}
	}
	require.Len(t, last, 2)
	require.Less(t, first, len(commands))
	assert.Greater(t, first, last["secret set"])
	assert.Greater(t, first, last["api --method PUT"])
}

func TestSetupDocumentNamesEverySecretVariableEnvironmentAndWorkflow(t *testing.T) {
	doc := read(t, "../../docs/ci.md")
	for name, j := range jobs(t) {
		for _, word := range slices.Concat(used(j.text, "secrets"), used(j.text, "vars")) {
			assert.Contains(t, doc, "`"+word+"`", name)
		}
		for _, word := range j.environments() {
			if word == "" {
				continue
			}
			assert.Contains(t, doc, "`"+word+"`", name)
		}
	}
	for file := range workflows(t) {
		assert.Contains(t, doc, "`"+file+"`")
	}
	assert.NotContains(t, doc, "DIGITALOCEAN_TOKEN")
	assert.Contains(t, doc, "pulumi config set --secret platform:certManagerToken")
}
