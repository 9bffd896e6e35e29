package alerts

import (
	"fmt"
	"time"

	"go.yaml.in/yaml/v3"
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
		Alert       string            `yaml:"alert"`
		Expr        string            `yaml:"expr"`
		For         string            `yaml:"for,omitempty"`
		Labels      map[string]string `yaml:"labels"`
		Annotations map[string]string `yaml:"annotations"`
	}
)

// File returns the rules of a stack as a file for vmalert, without empty groups.
func File(s Stack) string {
	var file ruleFile
	for _, g := range Groups(s) {
		if len(g.Rules) == 0 {
			continue
		}
		group := ruleGroup{Name: g.Name, Interval: seconds(Interval)}
		for _, r := range g.Rules {
			rule := fileRule{
				Alert: r.Name, Expr: r.Expr,
				Labels:      map[string]string{"severity": string(r.Severity)},
				Annotations: map[string]string{"summary": r.Summary, "runbook": r.Runbook()},
			}
			if r.For > 0 {
				rule.For = seconds(r.For)
			}
			group.Rules = append(group.Rules, rule)
		}
		file.Groups = append(file.Groups, group)
	}
	out, err := yaml.Marshal(file)
	if err != nil {
		// The encoder cannot fail on maps of strings.
		panic(err)
	}
	return string(out)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%ds", int(d.Seconds())) }
