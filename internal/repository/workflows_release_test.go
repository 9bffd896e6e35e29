package repository_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/settings"
)

// changelog is a CHANGELOG.md with the version 1.0.0.
const changelog = `# Changelog

## [Unreleased]

- Of the next one.

## [1.0.0] - 2026-12-01

### Added

- A table ([docs](docs/a.md#b), [other](https://example.com/)).

## [0.9.0] - 2026-11-01

- Of the one before.
`

// release is a copy of the project that is ready for the tag v1.0.0.
type release struct{ folder, script string }

func newRelease(t *testing.T) release {
	t.Helper()
	script, err := filepath.Abs("../../.github/scripts/release")
	require.NoError(t, err)
	r := release{t.TempDir(), script}
	for _, path := range []string{"internal/settings/defaults.go", "selfhosted/compose.yaml", "selfhosted/Dockerfile"} {
		r.write(t, path, read(t, "../../"+path))
	}
	// The release under test is that of the version which the program names.
	require.Equal(t, "ghcr.io/genericcorp/agenthq:1.0.0", settings.AgentHQImage, "write the new version into this test")
	r.write(t, "CHANGELOG.md", changelog)
	for _, command := range []string{"init -q", "add .", "-c user.name=a -c user.email=a@localhost commit -q -m first", "update-ref refs/remotes/origin/main HEAD"} {
		r.git(t, strings.Fields(command)...)
	}
	return r
}

func (r release) git(t *testing.T, args ...string) string {
	t.Helper()
	out, err := exec.Command("git", append([]string{"-C", r.folder}, args...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	return strings.TrimSpace(string(out))
}

func (r release) write(t *testing.T, path, text string) {
	t.Helper()
	path = filepath.Join(r.folder, path)
	require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
}

// run runs a step of the script.
func (r release) run(args ...string) (string, error) {
	cmd := exec.Command(r.script, args...)
	cmd.Dir = r.folder
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestReleaseCheckAcceptsOnlyAVersionThatTheProjectIsReadyFor(t *testing.T) {
	r := newRelease(t)
	out, err := r.run("check", "v1.0.0")
	require.NoError(t, err, out)
	for _, tag := range []string{"v1", "v1.0", "1.0.0", "v01.0.0", "v1.0.0+build", "v1.0.0-", "v1.0.0;id", "vnext", "v1.0.0 "} {
		out, err := r.run("check", tag)
		assert.Error(t, err, tag)
		assert.Contains(t, out, "is no version such as v1.2.3", tag)
	}
	out, err = r.run("check", "v1.0.1-rc.1")
	assert.Error(t, err)
	assert.Contains(t, out, "AgentHQImage in internal/settings/defaults.go is ghcr.io/genericcorp/agenthq:1.0.0, and the tag is v1.0.1-rc.1")
}

func TestReleaseCheckRefusesAProjectThatIsNotReady(t *testing.T) {
	for want, change := range map[string]func(r release){
		`CHANGELOG.md has no heading "## [1.0.0] - `: func(r release) {
			r.write(t, "CHANGELOG.md", strings.Replace(changelog, "[1.0.0]", "[1.0.00]", 1))
		},
		"CHANGELOG.md has no text for 1.0.0": func(r release) {
			r.write(t, "CHANGELOG.md", "## [1.0.0] - 2026-12-01\n\n## [0.9.0] - 2026-11-01\n\n- Of the one before.\n")
		},
		"selfhosted/compose.yaml does not use": func(r release) {
			r.write(t, "selfhosted/compose.yaml", strings.Replace(read(t, "../../selfhosted/compose.yaml"), "agenthq:1.0.0", "agenthq:0.9.0", 1))
		},
		"the commit of v1.0.0 is not on the branch main": func(r release) {
			r.git(t, "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "-q", "--allow-empty", "-m", "second")
		},
	} {
		r := newRelease(t)
		change(r)
		out, err := r.run("check", "v1.0.0")
		assert.Error(t, err, want)
		assert.Contains(t, out, want)
	}
}

const (
	built    = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	resolved = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// dockerScript is the script of a fake docker. The app's image is in the registry when TAGGED is set. A
// build writes what buildx writes into its metadata file.
const dockerScript = `case "$*" in
*inspect*genericcorp/agenthq:*) [ -n "$TAGGED" ] && echo "$TAGGED" ;;
*inspect*) echo ` + resolved + ` ;;
"buildx build"*)
	while [ "$1" != --metadata-file ]; do shift; done
	printf '{\n  "buildx.build.provenance/linux/amd64": {\n    "digest": "x"\n  },\n  "containerimage.descriptor": {\n    "digest": "` + built + `"\n  },\n  "containerimage.digest": "` + built + `",\n  "image.name": "x"\n}\n' >"$2" ;;
esac`

// goScript is the script of a fake go, which runs cosign.
const goScript = `case "$*" in *sign-blob*) echo signature >release/compose.yaml.sigstore.json ;; esac`

func TestReleasePublishesASignedImageAndFilesWithDigests(t *testing.T) {
	r := newRelease(t)
	docker, golang, gh := fakeCommand(t, "docker", dockerScript), fakeCommand(t, "go", goScript), fakeCommand(t, "gh", "")
	for _, step := range []string{"image", "files"} {
		out, err := r.run(step, "v1.0.0", "release")
		require.NoError(t, err, out)
	}
	calls := read(t, docker)
	for _, part := range []string{
		"--platform linux/amd64,linux/arm64", "--build-arg GO_IMAGE=docker.io/library/golang:", "-bookworm@" + resolved, "--build-arg VERSION=1.0.0 ",
		"--build-arg REVISION=" + r.git(t, "rev-parse", "HEAD"), "--attest type=sbom,generator=docker.io/docker/buildkit-syft-scanner:",
		"--attest type=provenance,mode=max", "--output type=image,name=ghcr.io/genericcorp/agenthq,push-by-digest=true,name-canonical=true,push=true",
	} {
		assert.Contains(t, calls, part)
	}
	assert.NotContains(t, calls, "imagetools create", "the tag comes last")
	assert.Contains(t, read(t, golang), " sign --yes ghcr.io/genericcorp/agenthq@"+built+"\n")

	t.Setenv("TAGGED", built)
	for _, step := range []string{"tag", "publish"} {
		out, err := r.run(step, "v1.0.0", "release")
		require.NoError(t, err, out)
	}
	assert.Contains(t, read(t, docker), "buildx imagetools create --tag ghcr.io/genericcorp/agenthq:1.0.0 ghcr.io/genericcorp/agenthq@"+built+"\n")
	assert.Equal(t, "release create v1.0.0 --repo genericcorp/platform --verify-tag --title AgentHQ 1.0.0 --notes-file release/notes.md "+
		"release/compose.yaml release/compose.yaml.sigstore.json release/SHA256SUMS\n", read(t, gh))
	checkReleaseFiles(t, filepath.Join(r.folder, "release"))
}

// checkReleaseFiles looks at the files that a release has.
func checkReleaseFiles(t *testing.T, folder string) {
	t.Helper()
	assert.Equal(t, "### Added\n\n- A table ([docs](https://github.com/genericcorp/platform/blob/v1.0.0/docs/a.md#b), [other](https://example.com/)).\n",
		strings.TrimRight(read(t, filepath.Join(folder, "notes.md")), "\n")+"\n")
	text := read(t, filepath.Join(folder, "compose.yaml"))
	original := read(t, "../../selfhosted/compose.yaml")
	assert.Equal(t, original, regexp.MustCompile("@("+built+"|"+resolved+")").ReplaceAllString(text, ""), "nothing else is changed")
	assert.Contains(t, text, ":-"+settings.AgentHQImage+"@"+built+"}")
	assert.Regexp(t, `:-docker\.io/library/caddy:[\d.]+@`+resolved+`}`, text)
	images := regexp.MustCompile(`\$\{[A-Z]+_IMAGE:-([^}]*)\}`).FindAllStringSubmatch(text, -1)
	require.Len(t, images, 5)
	for _, image := range images {
		assert.Regexp(t, `:[\w.-]+@sha256:[0-9a-f]{64}$`, image[1])
	}
	assert.Regexp(t, `(?s)^[0-9a-f]{64}  compose.yaml\n[0-9a-f]{64}  compose.yaml.sigstore.json\n$`, read(t, filepath.Join(folder, "SHA256SUMS")))
}

func TestReleaseRefusesAnImageThatExistsAndATagWithAnotherDigest(t *testing.T) {
	r := newRelease(t)
	log := fakeCommand(t, "docker", dockerScript)
	fakeCommand(t, "go", "")
	t.Setenv("TAGGED", resolved)
	out, err := r.run("image", "v1.0.0", "release")
	assert.Error(t, err)
	assert.Contains(t, out, "is in the registry already")
	assert.NotContains(t, read(t, log), "buildx build")
	r.write(t, "release/digest", built+"\n")
	out, err = r.run("tag", "v1.0.0", "release")
	assert.Error(t, err)
	assert.Contains(t, out, "not the digest that was signed")
}

func TestReleaseStopsIfTheSignatureFailsOrARegistryHasNoDigest(t *testing.T) {
	r := newRelease(t)
	fakeCommand(t, "docker", dockerScript)
	fakeCommand(t, "go", "exit 1")
	out, err := r.run("image", "v1.0.0", "release")
	assert.Error(t, err, out)
	assert.NoFileExists(t, filepath.Join(r.folder, "release", "digest"))
	fakeCommand(t, "docker", `case "$*" in *genericcorp*) exit 1 ;; *) echo none ;; esac`)
	out, err = r.run("image", "v1.0.0", "release")
	assert.Error(t, err)
	assert.Contains(t, out, "the registry has no digest for docker.io/library/golang:")
}

func TestReleaseOfACandidateIsAPrerelease(t *testing.T) {
	r := newRelease(t)
	r.write(t, "release/compose.yaml", "")
	r.write(t, "release/SHA256SUMS", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  compose.yaml\n")
	log := fakeCommand(t, "gh", "")
	out, err := r.run("publish", "v1.0.0-rc.1", "release")
	require.NoError(t, err, out)
	assert.Contains(t, read(t, log), " --prerelease ")
	r.write(t, "release/compose.yaml", "changed")
	_, err = r.run("publish", "v1.0.0-rc.1", "release")
	assert.Error(t, err, "the checksum differs")
	assert.Equal(t, 1, strings.Count(read(t, log), "release create"))
}

// Each job of the release has only the rights that its steps use, and the jobs that publish wait for
// the checks and the tests.
func TestReleaseJobsHaveTheLeastPermissionsAndWaitForTheTests(t *testing.T) {
	var w struct {
		On struct {
			Push struct{ Tags, Branches []string }
		} `yaml:"on"`
		Permissions map[string]string
		Jobs        map[string]struct {
			If, Needs   string
			Permissions map[string]string
			Steps       []struct{ Run, Uses string }
		}
	}
	text := read(t, "../../.github/workflows/release.yaml")
	require.NoError(t, yaml.Unmarshal([]byte(text), &w))
	assert.Equal(t, []string{"v*"}, w.On.Push.Tags)
	assert.Empty(t, w.On.Push.Branches)
	assert.Empty(t, w.Permissions)
	assert.Equal(t, "github.repository == 'genericcorp/platform'", w.Jobs["check"].If)
	for name, want := range map[string]struct {
		needs       string
		permissions map[string]string
	}{
		"check":   {"", map[string]string{"contents": "read"}},
		"test":    {"check", map[string]string{"contents": "read"}},
		"image":   {"test", map[string]string{"contents": "read", "packages": "write", "id-token": "write"}},
		"release": {"image", map[string]string{"contents": "write"}},
	} {
		assert.Equal(t, want.needs, w.Jobs[name].Needs, name)
		assert.Equal(t, want.permissions, w.Jobs[name].Permissions, name)
	}
	assert.Len(t, w.Jobs, 4)
	var steps []string
	for _, name := range []string{"check", "image", "release"} {
		for _, step := range w.Jobs[name].Steps {
			if match := regexp.MustCompile(`^\.github/scripts/release (\w+) "\$TAG"`).FindStringSubmatch(step.Run); match != nil {
				steps = append(steps, match[1])
			}
		}
	}
	assert.Equal(t, []string{"check", "image", "files", "tag", "publish"}, steps)
	assert.Equal(t, ".ci/run", w.Jobs["test"].Steps[len(w.Jobs["test"].Steps)-1].Run)
}

// An expression in a script is code that the name of a branch, a tag or a title can write.
func TestScriptsOfWorkflowsContainNoExpressions(t *testing.T) {
	found := 0
	for name, j := range jobs(t) {
		for _, step := range j.Steps {
			if step.Run != "" {
				found++
				assert.NotContains(t, step.Run, "${{", name)
			}
		}
	}
	assert.Greater(t, found, 10)
}

// The name of the image is declared once. Everything else is compared with it.
func TestEveryFileNamesTheSameImageOfAgentHQ(t *testing.T) {
	name, version, _ := strings.Cut(settings.AgentHQImage, ":")
	require.NotEmpty(t, version)
	for _, path := range []string{"selfhosted/compose.yaml", "selfhosted/README.md", "docs/ci.md", "docs/app-contract.md", "internal/settings/settings.go"} {
		found := regexp.MustCompile(regexp.QuoteMeta(name)+`(:([\w.-]*[\w]))?`).FindAllStringSubmatch(read(t, "../../"+path), -1)
		assert.NotEmpty(t, found, path)
		for _, match := range found {
			if match[2] != "" {
				assert.Equal(t, version, match[2], path)
			}
		}
	}
	source := regexp.MustCompile(`image\.source="https://github\.com/([^"]+)"`).FindStringSubmatch(read(t, "../../selfhosted/Dockerfile"))
	require.NotNil(t, source)
	assert.Contains(t, read(t, "../../.github/scripts/release"), "readonly repository="+source[1]+"\n")
	assert.Contains(t, read(t, "../../.github/workflows/release.yaml"), "github.repository == '"+source[1]+"'")
}
