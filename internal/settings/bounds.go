package settings

import (
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
)

// bounds are the least and the most of one kind of number. Every number of the settings has
// one of the kinds below, so sums and products of them do not overflow.
type bounds struct {
	least, most int
	// why follows the numbers in messages, and says what sets the most.
	why string
}

var (
	peopleBounds = bounds{1, 1_000_000, ""}
	// Ten requests a second. With the bound of responses, the traffic of a month does not
	// overflow.
	requestBounds  = bounds{1, 600, ""}
	responseBounds = bounds{1, 64 << 10, " (64 MiB)"}
	// With 0 the solver chooses.
	nodeBounds    = bounds{0, catalog.NodesPerCluster, ", the most nodes of a DigitalOcean cluster"}
	replicaBounds = bounds{0, catalog.NodesPerCluster * catalog.PodsPerNode, ", 110 Pods on each of 512 nodes"}
	// MAX_BACKENDS in PostgreSQL's postmaster.h.
	connectionBounds = bounds{1, 1<<18 - 1, ", the most connections of a PostgreSQL server"}
	// VictoriaMetrics keeps metrics for at most 100 years.
	dayBounds     = bounds{1, 36_500, " (100 years)"}
	volumeBounds  = bounds{1, catalog.VolumeGiB, ", the largest volume of DigitalOcean in GiB"}
	archiveBounds = bounds{0, catalog.VolumeGiB, ", the largest volume of DigitalOcean in GiB"}
	portBounds    = bounds{1024, 65535, "; below 1024 needs root, which the app does not get"}
	versionBounds = bounds{1, 1_000_000, ""}
)

// within adds a fault if a number is outside its bounds.
func (b bounds) within(f *Faults, path string, value int) {
	if value < b.least || value > b.most {
		f.add(path, "%d is not between %d and %d%s", value, b.least, b.most, b.why)
	}
}

// mostUSD is the most that an amount of money may be.
const mostUSD budget.Cents = 1_000_000_00

// amount adds a fault if an amount is less than the least or more than mostUSD.
func amount(f *Faults, path string, value, least budget.Cents) {
	if value < least || value > mostUSD {
		f.add(path, "%s is not between %s and %s", value, least, mostUSD)
	}
}

// quantities are the bounds of a kind of Kubernetes quantity. The most is above every size of
// node that DigitalOcean offers, and far below an overflow.
type quantities struct {
	least, most, example string
	// meant returns what was probably meant with a number and the letters after it.
	meant func(q quantities, number, letters string) string
}

var (
	cpuQuantities    = quantities{"1m", "64", `"100m" or "0.5"`, meantCPU}
	memoryQuantities = quantities{"16Mi", "512Gi", `"128Mi" or "1Gi"`, meantMemory}
)

var (
	// A longer exponent would keep the parser busy for minutes.
	quantityText   = regexp.MustCompile(`^[0-9]{1,19}(\.[0-9]{1,9})?([eE][+-]?[0-9]{1,2}|[numkMGTPE]|[KMGTPE]i)?$`)
	numberAndUnits = regexp.MustCompile(`^\s*([0-9]{1,19}(?:[.,][0-9]{1,9})?)\s*([a-zA-Z]*)\s*$`)
)

// within adds a fault if a text is no quantity, or one outside its bounds. An empty text is no
// fault: the solver computes the quantity.
func (q quantities) within(f *Faults, path, text string) {
	switch {
	case text == "" || q.contains(text):
	case !quantityText.MatchString(text):
		f.add(path, "%q is not a quantity such as %s%s", text, q.example, q.suggestion(text))
	default:
		f.add(path, "%q is not between %s and %s%s", text, q.least, q.most, q.suggestion(text))
	}
}

func (q quantities) contains(text string) bool {
	if !quantityText.MatchString(text) {
		return false
	}
	value, err := resource.ParseQuantity(text)
	return err == nil && value.Cmp(resource.MustParse(q.least)) >= 0 && value.Cmp(resource.MustParse(q.most)) <= 0
}

// suggestion returns the end of the message: the quantity that was probably meant, if it is
// within the bounds.
func (q quantities) suggestion(text string) string {
	found := numberAndUnits.FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	meant := q.meant(q, strings.Replace(found[1], ",", ".", 1), strings.ToLower(found[2]))
	if !q.contains(meant) {
		return ""
	}
	return "; did you mean \"" + meant + "\"?"
}

// meantCPU reads letters that begin with m as thousandths of a CPU. So is a number alone that
// is more than the most.
func meantCPU(q quantities, number, letters string) string {
	plain := letters == "" || strings.HasPrefix(letters, "c") || strings.HasPrefix(letters, "v")
	switch {
	case plain && q.contains(number):
		return number
	case letters == "" || strings.HasPrefix(letters, "m"):
		return number + "m"
	}
	return ""
}

// meantMemory reads the first letter as a binary unit. A number alone is one of MiB.
func meantMemory(_ quantities, number, letters string) string {
	if letters == "" {
		return number + "Mi"
	}
	if unit := strings.ToUpper(letters[:1]); strings.ContainsAny(unit, "KMGT") {
		return number + unit + "i"
	}
	return ""
}
