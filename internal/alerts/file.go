package alerts

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/usage"
)

// Interval is how often vmalert evaluates the rules.
const Interval = time.Minute

// The format of vmalert's file of rules, which is that of Prometheus.
type (
	ruleFile struct {
		Groups []ruleGroup `yaml:"groups"`
	}
	ruleGroup struct {
		Name     string     `yaml:"name"`
		Interval string     `yaml:"interval"`
		Rules    []fileRule `yaml:"rules"`
	}
	fileRule struct {
		Alert       string            `yaml:"alert,omitempty"`
		Record      string            `yaml:"record,omitempty"`
		Expr        string            `yaml:"expr"`
		For         string            `yaml:"for,omitempty"`
		Labels      map[string]string `yaml:"labels,omitempty"`
		Annotations map[string]string `yaml:"annotations,omitempty"`
	}
)

// File returns the rules of a stack as a file for vmalert, without empty groups. The last groups
// have the recording rules: those of package usage, and those about money.
func File(s Stack) string {
	file := fileOf(Groups(s), Rule.Runbook)
	file.Groups = append(file.Groups, ruleGroup{Name: "usage", Interval: fmt.Sprintf("%ds", usage.RecordingInterval)})
	for _, r := range usage.Recordings() {
		file.record(Recording{Name: r.Name, Expr: r.Expr})
	}
	if money := s.Costs.recordings(); len(money) > 0 {
		file.Groups = append(file.Groups, ruleGroup{Name: "money", Interval: seconds(Interval)})
		for _, r := range money {
			file.record(r)
		}
	}
	return file.text()
}

// record adds a recording rule to the last group.
func (f ruleFile) record(r Recording) {
	last := &f.Groups[len(f.Groups)-1]
	last.Rules = append(last.Rules, fileRule{Record: r.Name, Expr: r.Expr, Labels: r.Labels})
}

// fileOf returns groups in vmalert's format. runbook returns the address of a rule's explanation.
func fileOf(groups []Group, runbook func(Rule) string) ruleFile {
	var file ruleFile
	for _, g := range groups {
		if len(g.Rules) == 0 {
			continue
		}
		group := ruleGroup{Name: g.Name, Interval: seconds(Interval)}
		for _, r := range g.Rules {
			rule := fileRule{
				Alert: r.Name, Expr: r.Expr,
				Labels:      map[string]string{"severity": string(r.Severity)},
				Annotations: map[string]string{"summary": r.Summary, "runbook": runbook(r)},
			}
			if r.For > 0 {
				rule.For = seconds(r.For)
			}
			group.Rules = append(group.Rules, rule)
		}
		file.Groups = append(file.Groups, group)
	}
	return file
}

func (f ruleFile) text() string {
	out, err := yaml.Marshal(f)
	if err != nil {
		// The encoder cannot fail on maps of strings.
		panic(err)
	}
	return string(out)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }
