// Package config reads the configuration of AgentHQ from environment variables.
package config

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strings"
	"text/tabwriter"
	"time"
)

// Config is the configuration of one process. Settings says what each value changes.
type Config struct {
	Port        int
	DatabaseURL string
	PublicURL   *url.URL
	// TenantsDir is empty in single-tenant mode.
	TenantsDir   string
	ProxyHops    int
	Transactions int
	TenantPools  int
	DatabasePool int
	DemoTenant   string
	// WebAnalyticsToken is empty if no visits are counted.
	WebAnalyticsToken string
	LogLevel          slog.Level
	// Offsite is what LoadOffsite reads.
	Offsite Offsite
	// Clock returns the time of the demo's sample data and of the charts. It is time.Now, except in
	// tests.
	Clock func() time.Time

	effective []value
}

// value is what one setting has, and where it comes from. The text of a secret is never in it.
type value struct{ name, text, origin string }

// MultiTenant reports whether the process serves the tenants of a folder.
func (c Config) MultiTenant() bool { return c.TenantsDir != "" }

// Environment returns the variables of this process, by name.
func Environment() map[string]string {
	env := map[string]string{}
	for _, entry := range os.Environ() {
		name, text, _ := strings.Cut(entry, "=")
		env[name] = text
	}
	return env
}

// Load reads the configuration from environment variables. An empty variable counts as not set. It
// returns all faults at once. A fault has the variable's name and never its value if that may be
// secret.
func Load(env map[string]string) (Config, error) {
	return load(settings, env)
}

// load reads some of the settings.
func load(list []Setting, env map[string]string) (Config, error) {
	c := Config{PublicURL: &url.URL{}, Clock: time.Now}
	faults := unknown(env)
	for _, s := range list {
		if err := c.load(s, env); err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", s.Name, err))
		}
	}
	return c, errors.Join(faults...)
}

// load reads one setting.
func (c *Config) load(s Setting, env map[string]string) error {
	text, origin := env[s.Name], "environment"
	if file := env[s.Name+fileSuffix]; s.Secret && file != "" {
		if text != "" {
			return fmt.Errorf("is set, and so is %s%s (%s); set one of them", s.Name, fileSuffix, file)
		}
		var err error
		if text, err = readSecret(file); err != nil {
			return fmt.Errorf("%s%s names the file %s, which %w", s.Name, fileSuffix, file, err)
		}
		origin = file
	}
	if text == "" {
		text, origin = s.fallback(*c), "default"
	}
	c.effective = append(c.effective, value{s.Name, shown(s, text), origin})
	err := s.set(c, text)
	if err != nil && origin != "environment" && origin != "default" {
		return fmt.Errorf("the content of the file %s %w", origin, err)
	}
	return err
}

func shown(s Setting, text string) string {
	switch {
	case text == "":
		return "not set"
	case s.Secret:
		return "set"
	}
	return text
}

// readSecret returns the content of a file without the space around it. Its error completes a sentence
// about the file.
func readSecret(path string) (string, error) {
	data, err := os.ReadFile(path)
	var fault *os.PathError
	if errors.As(err, &fault) {
		return "", fmt.Errorf("cannot be read: %w", fault.Err)
	}
	if err != nil {
		return "", err
	}
	text := strings.TrimSpace(string(data))
	if text == "" {
		return "", errors.New("is empty")
	}
	return text, nil
}

// Print writes a table of the settings that were read: the effective value, and where it comes from. Of a secret it
// writes whether it is set.
func (c Config) Print(out io.Writer) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "variable\tvalue\tfrom")
	for _, v := range c.effective {
		fmt.Fprintf(table, "%s\t%s\t%s\n", v.name, v.text, v.origin)
	}
	return table.Flush()
}
