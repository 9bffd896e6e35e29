package config

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

const (
	// prefix begins no variable of AgentHQ. A variable with it is meant for AgentHQ, but misspelled.
	prefix = "AGENTHQ_"
	// fileSuffix ends the name of the variable with the path of a secret's file.
	fileSuffix = "_FILE"
)

// ofService finds the variables that Kubernetes sets in each Pod of a namespace with a Service whose name
// begins with agenthq (makeEnvVariableForService in pkg/kubelet/envvars).
var ofService = regexp.MustCompile(`_SERVICE_(HOST|PORT(_\w+)?)$|_PORT_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?$`)

// unknown returns a fault for each variable that begins with AGENTHQ_.
func unknown(env map[string]string) []error {
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(env)) {
		rest, found := strings.CutPrefix(name, prefix)
		if !found || ofService.MatchString(name) || strings.HasPrefix(env[name], "tcp://") {
			continue
		}
		advice := "remove it; `agenthq config` lists all variables"
		if known := closest(rest); known != "" {
			advice = "did you mean " + known + "?"
		}
		faults = append(faults, fmt.Errorf("%s: there is no such variable; %s", name, advice))
	}
	return faults
}

// closest returns the known name that differs from a name by the fewest letters. It is empty if more
// than a third of the letters differ in all of them.
func closest(name string) string {
	best, least := "", 0
	for _, s := range Settings() {
		known := []string{s.Name}
		if s.Secret {
			known = append(known, s.Name+fileSuffix)
		}
		for _, k := range known {
			if d := distance(name, k); d <= len(k)/3 && (best == "" || d < least) {
				best, least = k, d
			}
		}
	}
	return best
}

// distance returns the least number of letters to insert, delete or replace that makes a into b
// (Levenshtein).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			replaced := diagonal
			if a[i] != b[j] {
				replaced++
			}
			diagonal = row[j+1]
			row[j+1] = min(replaced, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
