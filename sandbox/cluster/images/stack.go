package images

import (
	"bytes"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
)

const architecture = runtime.GOARCH

// Programs are paths of programs on this machine.
type Programs struct {
	// Folder has the programs of sandbox/build.Nodes, with the names of their images.
	Folder string
	// PostgreSQL is the folder with psql, pg_dump and pg_restore. PgBouncer and Exporter are
	// folders with the file "run", which starts the program.
	PostgreSQL, PgBouncer, Exporter string
	// Metrics is the port of VictoriaMetrics on 127.0.0.1, to which the stand-in of Grafana links.
	Metrics int
}

// tools are the programs that the scripts in the tenants' Jobs, in the pooler and in
// selfhosted/compose.yaml use, beside PostgreSQL's.
var tools = []string{
	"sh", "awk", "base64", "basename", "bash", "cat", "chmod", "chown", "cksum", "cmp", "comm", "cp", "cut", "date", "df", "diff", "dirname", "du", "env", "expr", "find", "grep", "head", "id",
	"kill", "ln", "ls", "mkdir", "mkfifo", "mktemp", "mv", "od", "printf", "readlink", "rm", "rmdir", "sed", "seq", "sha256sum", "sleep", "sort", "stat", "sync", "tail",
	"tee", "test", "timeout", "touch", "tr", "truncate", "uniq", "wc", "xargs",
}

// OfStack returns the images of the Pods of a stack.
func OfStack(p Programs) ([]Image, error) {
	standin := map[string]string{"/standin": filepath.Join(p.Folder, "standin")}
	out := []Image{
		{Name: "pause", Files: standin, Entrypoint: []string{"/standin"}},
		// The ports are those of the probes of cert-manager's chart.
		{Name: "cert-manager", Files: standin, Entrypoint: []string{"/standin", "9402", "9403", "6080", "10250"}},
		{Name: "cert-manager-startupapicheck", Files: standin, Entrypoint: []string{"/standin", "--exit"}},
		{Name: "grafana", Files: standin, Entrypoint: []string{
			"/standin", fmt.Sprintf("--metrics=http://localhost:%d", p.Metrics), "--dashboards=/etc/platform/dashboards", "3000",
		}},
	}
	for _, name := range []string{"traefik", "victoria-metrics", "vmalert", "alertmanager", "kube-state-metrics", "node-exporter", "agenthq"} {
		out = append(out, Image{Name: name, Files: map[string]string{"/" + name: filepath.Join(p.Folder, name)}, Entrypoint: []string{"/" + name}})
	}
	postgres, err := WithTools("postgres", filepath.Join(p.PostgreSQL, "psql"), filepath.Join(p.PostgreSQL, "pg_dump"), filepath.Join(p.PostgreSQL, "pg_restore"))
	if err != nil {
		return nil, err
	}
	postgres.Env = []string{"PATH=" + p.PostgreSQL + ":/bin"}
	postgres.Texts = map[string]string{"/etc/passwd": "postgres:x:999:999::/tmp:/bin/sh\n"}
	pgbouncer, err := WithTools("pgbouncer")
	if err != nil {
		return nil, err
	}
	pgbouncer.Env = []string{"PATH=/bin", "PGBOUNCER=/pgbouncer/run"}
	pgbouncer.Files["/pgbouncer"] = p.PgBouncer
	exporter, err := WithTools("pgbouncer-exporter")
	if err != nil {
		return nil, err
	}
	exporter.Files["/exporter"] = p.Exporter
	exporter.Env, exporter.Entrypoint = []string{"PATH=/bin"}, []string{"/exporter/run"}
	return append(out, postgres, pgbouncer, exporter), nil
}

// ForPod returns the image of OfStack that takes the place of an image in a Pod, such as
// "docker.io/library/traefik:v3.7.11".
func ForPod(reference string, known []Image) string {
	base := Base(reference)
	for _, image := range known {
		if image.Name == base {
			return base
		}
	}
	if certManager.MatchString(reference) {
		return "cert-manager"
	}
	return "pause"
}

var certManager = regexp.MustCompile(`/cert-manager-[a-z]+[:@]`)

// WithTools returns an image with tools in /bin, and with programs at their own paths. It also
// has the libraries that they need.
func WithTools(name string, programs ...string) (Image, error) {
	out := Image{Name: name, Files: map[string]string{}}
	for _, tool := range tools {
		found, err := exec.LookPath(tool)
		if err != nil {
			return out, err
		}
		out.Files["/bin/"+tool] = found
	}
	for _, program := range programs {
		out.Files[program] = program
	}
	for _, program := range slices.Collect(maps.Values(out.Files)) {
		libraries, err := librariesOf(program)
		if err != nil {
			return out, err
		}
		for _, library := range libraries {
			out.Files[library] = library
		}
	}
	return out, nil
}

// library matches the path of a library in the output of ldd.
var library = regexp.MustCompile(`(/\S+) \(0x`)

// librariesOf returns the paths of all libraries of a dynamic program.
func librariesOf(program string) ([]string, error) {
	printed, err := exec.Command("ldd", program).CombinedOutput()
	if bytes.Contains(printed, []byte("not a dynamic executable")) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ldd %s: %w: %s", program, err, printed)
	}
	var out []string
	for _, match := range library.FindAllSubmatch(printed, -1) {
		out = append(out, string(match[1]))
	}
	return out, nil
}
