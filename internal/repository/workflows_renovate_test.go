package repository_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// renovate has the keys of .github/renovate.json that the tests read.
type renovate struct {
	Managers []string `json:"enabledManagers"`
	Custom   []struct {
		Files      []string `json:"managerFilePatterns"`
		Strings    []string `json:"matchStrings"`
		Datasource string   `json:"datasourceTemplate"`
		Replace    string   `json:"autoReplaceStringTemplate"`
	} `json:"customManagers"`
	Rules []struct {
		Managers    []string `json:"matchManagers"`
		Datasources []string `json:"matchDatasources"`
		Pin         bool     `json:"pinDigests"`
	} `json:"packageRules"`
}

func renovateConfig(t *testing.T) renovate {
	t.Helper()
	var r renovate
	require.NoError(t, json.Unmarshal([]byte(read(t, "../../.github/renovate.json")), &r))
	return r
}

// images returns the image references in the string literals of a Go file.
func images(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	reference := regexp.MustCompile(`^[\w-]+\.[\w.-]+/[^\s:]+:[\w][\w.-]*(@sha256:[0-9a-f]{64})?$`)
	var out []string
	ast.Inspect(file, func(n ast.Node) bool {
		if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
			if text, err := strconv.Unquote(literal.Value); err == nil && reference.MatchString(text) {
				out = append(out, text)
			}
		}
		return true
	})
	return out
}

// goFiles returns the Go files below folders of the repository, without tests.
func goFiles(t *testing.T, folders ...string) []string {
	t.Helper()
	var out []string
	for _, folder := range folders {
		require.NoError(t, filepath.WalkDir(filepath.Join("..", "..", folder), func(path string, _ fs.DirEntry, err error) error {
			if strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, "_test.go") {
				out = append(out, filepath.ToSlash(strings.TrimPrefix(path, "../../")))
			}
			return err
		}))
	}
	return out
}

func TestRenovateFindsEveryImageInTheSource(t *testing.T) {
	manager := renovateConfig(t).Custom[0]
	require.Equal(t, "docker", manager.Datasource)
	require.Len(t, manager.Strings, 1)
	match := regexp.MustCompile(manager.Strings[0])
	total := 0
	for _, path := range goFiles(t, "components", "internal", "stacks") {
		want := images(t, filepath.Join("..", "..", path))
		if len(want) == 0 {
			continue
		}
		total += len(want)
		assert.True(t, matchesAny(path, manager.Files), "%s has images, and Renovate does not read it", path)
		var got []string
		for _, found := range match.FindAllString(read(t, filepath.Join("..", "..", path)), -1) {
			got = append(got, strings.Trim(found, `"`))
		}
		assert.Equal(t, want, got, path)
	}
	assert.Greater(t, total, 5, "images in the source")
}

func TestImagesHaveADigestOrAReasonInTheDocument(t *testing.T) {
	doc := read(t, "../../docs/ci.md")
	digests := 0
	for _, path := range goFiles(t, "components", "internal", "stacks") {
		for _, image := range images(t, filepath.Join("..", "..", path)) {
			if strings.Contains(image, "@sha256:") {
				digests++
				continue
			}
			assert.Contains(t, doc, "`"+image+"`", "%s has a tag only, and docs/ci.md does not say why", path)
		}
	}
	assert.Greater(t, digests, 5, "images with a digest")
}

// matchesAny reports whether a path matches one of Renovate's patterns, such as
// "/^internal/.+\\.go$/".
func matchesAny(path string, patterns []string) bool {
	for _, pattern := range patterns {
		if regexp.MustCompile(strings.Trim(pattern, "/")).MatchString(path) {
			return true
		}
	}
	return false
}

func TestRenovateReadsTheNameTheTagAndTheDigestOfAnImage(t *testing.T) {
	match := regexp.MustCompile(renovateConfig(t).Custom[0].Strings[0])
	digest := "sha256:" + strings.Repeat("0a", 32)
	for text, want := range map[string][3]string{
		`"docker.io/library/traefik:v3.7.11"`:               {"docker.io/library/traefik", "v3.7.11", ""},
		`"ghcr.io/acme/app:1.2.3-alpine@` + digest + `"`:    {"ghcr.io/acme/app", "1.2.3-alpine", digest},
		`"quay.io/prometheus/node-exporter:v1.12.1" // why`: {"quay.io/prometheus/node-exporter", "v1.12.1", ""},
	} {
		groups := match.FindStringSubmatch(text)
		require.NotNil(t, groups, text)
		for i, name := range []string{"depName", "currentValue", "currentDigest"} {
			assert.Equal(t, want[i], groups[match.SubexpIndex(name)], "%s of %s", name, text)
		}
	}
	for _, text := range []string{`"oci://quay.io/jetstack/charts/cert-manager"`, `"https://example.com:8080/path"`, `"app/name:tag"`} {
		assert.False(t, match.MatchString(text), text)
	}
}

func TestRenovateFindsTheImagesAndTheCosignOfReleases(t *testing.T) {
	const path = ".github/scripts/release"
	text := read(t, "../../"+path)
	for manager, want := range map[int][]string{
		0: {"docker.io/moby/buildkit", "docker.io/docker/buildkit-syft-scanner"}, 2: {"github.com/sigstore/cosign/v3"},
	} {
		m := renovateConfig(t).Custom[manager]
		assert.True(t, matchesAny(path, m.Files), want)
		match := regexp.MustCompile(m.Strings[0])
		var got []string
		for _, groups := range match.FindAllStringSubmatch(text, -1) {
			got = append(got, groups[match.SubexpIndex("depName")])
			assert.NotEmpty(t, groups[match.SubexpIndex("currentValue")])
		}
		assert.Equal(t, want, got)
	}
}

func TestRenovatePinsImagesByDigestAndUpdatesModulesAndActions(t *testing.T) {
	r := renovateConfig(t)
	assert.Subset(t, r.Managers, []string{"gomod", "github-actions", "custom.regex"})
	pinned := false
	for _, rule := range r.Rules {
		pinned = pinned || rule.Pin && assert.ObjectsAreEqual([]string{"docker"}, rule.Datasources) &&
			assert.ObjectsAreEqual([]string{"custom.regex"}, rule.Managers)
	}
	assert.True(t, pinned, "no rule pins images by digest")
	assert.Contains(t, r.Custom[0].Replace, "@{{{newDigest}}}")
}

func TestRenovateFindsThePulumiVersionOfEveryWorkflow(t *testing.T) {
	manager := renovateConfig(t).Custom[1]
	match := regexp.MustCompile(manager.Strings[0])
	total := 0
	for file, w := range workflows(t) {
		path := ".github/workflows/" + file
		found := match.FindAllString(read(t, "../../"+path), -1)
		assert.Equal(t, strings.Count(w.head, "pulumi-version")+countInJobs(w, "pulumi-version"), len(found), file)
		assert.True(t, matchesAny(path, manager.Files), path)
		total += len(found)
	}
	assert.Equal(t, 3, total, "workflows with a version of Pulumi")
}

// countInJobs returns how often a text occurs in the jobs of a workflow.
func countInJobs(w workflow, text string) int {
	count := 0
	for _, j := range w.Jobs {
		count += strings.Count(j.text, text)
	}
	return count
}
