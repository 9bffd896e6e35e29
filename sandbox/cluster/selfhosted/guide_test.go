package selfhosted_test

import (
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/sandbox/cluster/images"
)

// substitutions are the only differences between README's commands and those that the test runs. The
// variables are set by the test.
var substitutions = []struct{ readme, test, reason string }{
	{"curl -fsSLO https://raw.githubusercontent.com/genericcorp/platform/main/", `cp --target-directory=. "$CHECKOUT"/`, "the engine's machine has no Internet"},
	{"docker buildx build ", "docker build $LOCAL_BUILD ", "Debian's Docker has no buildx; its builder sets no platform, and has this machine's Go"},
	{" --load .", " .", "without buildx, the image is loaded anyway"},
	{"docker compose pull", "docker compose pull --policy missing", "the images are on the machine, and there is no registry"},
	{"hq.example.com", "hq.internal", "Let's Encrypt cannot be reached; Caddy signs names in .internal itself"},
	{"https://ca.example.com/acme/acme/directory", `"$DIRECTORY"`, "the authority is Pebble"},
	{"acme-20261130T020000Z.dump", `"$EXPORT"`, "the name has the time of the export"},
	{"20261130T020000Z.dump", `"$BACKUP"`, "the name has the time of the backup"},
	{"203.0.113.7", "127.0.0.0/8 172.16.0.0/12", "the test is the other proxy, and Docker gives it the address of a bridge"},
	{"age-keygen -o agenthq.key", "docker run --rm agenthq:1.0.0 offsite keygen > agenthq.key", "README says that the image can do the same"},
	{"https://s3.eu-central-1.amazonaws.com", "http://198.18.0.1:7070", "the bucket is on this machine"},
	{"age1...", `"$RECIPIENT"`, "the public key is another one each time"},
	{"sudo ", "", "the test is root already"},
}

// notRun are sections whose code blocks the test does not run.
var notRun = map[string]string{
	"Upgrade PostgreSQL": "checkMajorUpgrade runs its lines at the end, with the data of all other steps",
	"Verify a release":   "there is no release yet, and cosign needs the Internet",
}

// block is a code block of README.
type block struct {
	section, text string
	taken         bool
}

// guide has the code blocks of selfhosted/README.md.
type guide struct {
	blocks []*block
	// last is the index of the block that was taken last.
	last int
}

var (
	headings = regexp.MustCompile(`(?m)^##+ (.*)$`)
	fences   = regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```$")
)

func readGuide(t *testing.T) *guide {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(checkout, "selfhosted", "README.md"))
	require.NoError(t, err)
	text := string(data)
	g := &guide{last: -1}
	for _, at := range fences.FindAllStringSubmatchIndex(text, -1) {
		titles := headings.FindAllStringSubmatch(text[:at[0]], -1)
		require.NotEmpty(t, titles)
		indent, body := text[at[2]:at[3]], text[at[4]:at[5]]
		body = strings.ReplaceAll("\n"+body, "\n"+indent, "\n")
		g.blocks = append(g.blocks, &block{section: titles[len(titles)-1][1], text: body[1:]})
	}
	require.Equal(t, strings.Count(text, "```"), 2*len(g.blocks), "a code block that is not sh")
	return g
}

// next returns the next code block of a section, with the substitutions. The blocks must be taken in
// README's order. Only the section about the image comes first, as README says.
func (g *guide) next(t *testing.T, section string) string {
	t.Helper()
	i := slices.IndexFunc(g.blocks, func(b *block) bool { return b.section == section && !b.taken })
	require.GreaterOrEqual(t, i, 0, "README has no other code block in the section %q", section)
	if section != "Build the image" {
		require.Greater(t, i, g.last, "README has this block before the one that was run last")
		g.last = i
	}
	g.blocks[i].taken = true
	var pairs []string
	for _, s := range substitutions {
		pairs = append(pairs, s.readme, s.test)
	}
	return strings.NewReplacer(pairs...).Replace(g.blocks[i].text)
}

// follow runs the next code block of a section as a user does: in a shell, in the folder where the block
// before ended. It returns what the block printed. variables are those of the substitutions.
func (s *server) follow(t *testing.T, g *guide, section string, variables ...string) string {
	t.Helper()
	root, err := filepath.Abs(checkout)
	require.NoError(t, err)
	ended := filepath.Join(t.TempDir(), "folder")
	text := g.next(t, section)
	cmd := s.Command("bash", "-euo", "pipefail", "-c", text+"\npwd > \"$ENDED\"")
	cmd.Dir = s.folder
	cmd.Env = slices.Concat(cmd.Env, s.env, variables, []string{
		"ENDED=" + ended, "CHECKOUT=" + root,
		"LOCAL_BUILD=--build-arg GO_IMAGE=" + images.Local("golang") + " --build-arg BUILDPLATFORM=linux/" + runtime.GOARCH +
			" --build-arg TARGETARCH=" + runtime.GOARCH + " --build-arg REVISION=0123456789",
	})
	out, err := cmd.CombinedOutput()
	if err != nil {
		logs, _ := s.tryCompose("logs", "--no-color", "--tail", "30")
		require.NoError(t, err, "%s\n%s\n%s", text, out, logs)
	}
	folder, err := os.ReadFile(ended)
	require.NoError(t, err)
	s.folder = strings.TrimSpace(string(folder))
	return string(out)
}

// finish fails for each code block that was neither run nor has a reason in notRun, and for entries of the
// lists that README does not need any more.
func (g *guide) finish(t *testing.T) {
	t.Helper()
	var all strings.Builder
	skipped := map[string]bool{}
	for _, b := range g.blocks {
		all.WriteString(b.text)
		if notRun[b.section] != "" {
			skipped[b.section] = true
			assert.False(t, b.taken, "%s is run, and notRun says that it is not", b.section)
			continue
		}
		assert.True(t, b.taken, "this code block of README's section %q was not run:\n%s", b.section, b.text)
	}
	assert.Len(t, skipped, len(notRun), "sections that README does not have")
	for _, s := range substitutions {
		assert.Contains(t, all.String(), s.readme, "a substitution that README does not need")
	}
}
