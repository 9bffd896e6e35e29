package repository_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

// instruction is one instruction of a Dockerfile. Continued lines are joined.
type instruction struct{ name, args string }

func instructions(text string) []instruction {
	text = regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(text, "")
	text = regexp.MustCompile(`\\\n\s*`).ReplaceAllString(text, "")
	var out []instruction
	for line := range strings.Lines(text) {
		if name, args, _ := strings.Cut(strings.TrimSpace(line), " "); name != "" {
			out = append(out, instruction{strings.ToUpper(name), strings.TrimSpace(args)})
		}
	}
	return out
}

// imageLabels are those that every image must have.
var imageLabels = []string{"title", "description", "licenses", "source", "version", "revision"}

var (
	exactTag  = regexp.MustCompile(`:[\w.-]*\d[\w.-]*(@sha256:[0-9a-f]{64})?$`)
	plainUser = regexp.MustCompile(`^[1-9]\d*:[1-9]\d*$`)
	stageName = regexp.MustCompile(`(?i)^(?:--platform=\S+ )?(\S+)(?: AS (\S+))?$`)
	download  = regexp.MustCompile(`\b(curl|wget|git clone|apt-get|apk)\b`)
)

// dockerfileFaults returns what breaks a rule. The rules are some of hadolint's, and some of our own.
func dockerfileFaults(text string) []string {
	var faults []string
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	defaults, last := map[string]string{}, map[string]string{}
	if strings.HasPrefix(text, "# syntax=") {
		fault("syntax: the builder of Docker 20.10 does not know it")
	}
	for _, i := range instructions(text) {
		switch i.name {
		case "FROM":
			last = map[string]string{} // what the last stage has
			match := stageName.FindStringSubmatch(i.args)
			image := match[1]
			if name, ok := strings.CutPrefix(image, "${"); ok {
				image = defaults[strings.TrimSuffix(name, "}")]
			}
			if image != "scratch" && !exactTag.MatchString(image) {
				fault("FROM: %q has no exact tag", image)
			}
		case "ARG":
			name, value, _ := strings.Cut(i.args, "=")
			defaults[name] = value
			if regexp.MustCompile(`(?i)password|secret|token`).MatchString(name) {
				fault("ARG: %s is in the image's history", name)
			}
		case "ADD", "MAINTAINER", "ENV", "SHELL", "ONBUILD", "VOLUME":
			fault("%s is not used here", i.name)
		case "COPY":
			if last["USER"] != "" {
				fault("COPY after USER")
			}
		case "RUN":
			if download.MatchString(i.args) {
				fault("RUN downloads: %s", i.args)
			}
		case "WORKDIR":
			if !strings.HasPrefix(i.args, "/") {
				fault("WORKDIR: %s is not absolute", i.args)
			}
		}
		last[i.name] += i.args
	}
	if !plainUser.MatchString(last["USER"]) {
		fault("USER: %q is not two numbers above 0", last["USER"])
	}
	if !strings.Contains(last["HEALTHCHECK"], `CMD [`) || !strings.HasPrefix(last["ENTRYPOINT"], "[") {
		fault("HEALTHCHECK and ENTRYPOINT need a list of words: there is no shell")
	}
	for _, label := range imageLabels {
		if !strings.Contains(last["LABEL"], `org.opencontainers.image.`+label+`="`) {
			fault("LABEL: there is no %s", label)
		}
	}
	slices.Sort(faults)
	return faults
}

func TestTheDockerfileBreaksNoRule(t *testing.T) {
	assert.Empty(t, dockerfileFaults(read(t, "../../selfhosted/Dockerfile")))
	assert.Contains(t, read(t, "../../LICENSE"), "Apache License", "the label licenses")
}

func TestTheRulesOfTheDockerfileFindEachMistake(t *testing.T) {
	good := read(t, "../../selfhosted/Dockerfile")
	for want, change := range map[string][2]string{
		"has no exact tag":                   {"golang:1.26.8-bookworm", "golang:latest"},
		`FROM: "golang" has no exact tag`:    {"docker.io/library/golang:1.26.8-bookworm", "golang"},
		`USER: "agenthq" is not two numbers`: {"USER 65532:65532", "USER agenthq"},
		`USER: "0:0" is not two numbers`:     {"USER 65532:65532", "USER 0:0"},
		`USER: "" is not two numbers`:        {"USER 65532:65532\n", ""},
		"ADD is not used here":               {"COPY . .", "ADD https://localhost/source.tar ."},
		"RUN downloads":                      {"RUN cd showcase", "RUN curl -O https://localhost/tool && cd showcase"},
		"HEALTHCHECK and ENTRYPOINT need":    {`CMD ["/agenthq", "healthcheck"]`, "CMD /agenthq healthcheck"},
		"LABEL: there is no revision":        {"org.opencontainers.image.revision", "revision"},
		"syntax: the builder":                {"# AgentHQ's image", "# syntax=docker/dockerfile:1\n# AgentHQ's image"},
		"ARG: API_TOKEN is in the image's":   {"ARG REVISION", "ARG API_TOKEN"},
		"COPY after USER":                    {"EXPOSE 9898", "COPY --from=build /out /more"},
		"WORKDIR: src is not absolute":       {"WORKDIR /src", "WORKDIR src"},
	} {
		bad := strings.Replace(good, change[0], change[1], 1)
		assert.NotEqual(t, good, bad, want)
		assert.Contains(t, strings.Join(dockerfileFaults(bad), "\n"), want)
	}
}
