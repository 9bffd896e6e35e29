package main

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestOneMeasurementChangesOnlyItsSectionOfTheDocument(t *testing.T) {
	t.Chdir("../..")
	before, err := os.ReadFile(file)
	require.NoError(t, err)
	measured, d, err := choose("destroy")
	require.NoError(t, err)
	require.Len(t, measured, 1)
	assert.Equal(t, string(before), d.String())

	old := d.sections[measured[0].heading]
	require.NotEmpty(t, old)
	d.sections[measured[0].heading] = "measured again\n"
	assert.Equal(t, strings.Replace(string(before), old, "measured again\n", 1), d.String())
}

func TestNewSectionIsPlacedInTheOrderOfTheMeasurements(t *testing.T) {
	d, err := parse("# Benchmarks\n\n## Tenants\n\nt\n\n## " + measurements[len(measurements)-1].heading + "\n\na\n")
	require.NoError(t, err)
	d.sections["Tenants through PgBouncer and directly"] = "p\n"
	assert.Equal(t, "# Benchmarks\n\n## Tenants\n\nt\n\n## Tenants through PgBouncer and directly\n\np\n\n## "+
		measurements[len(measurements)-1].heading+"\n\na\n", d.String())
}

func TestUnknownSectionOfTheDocumentIsAnError(t *testing.T) {
	_, err := parse("# Benchmarks\n\n## By hand\n\nx\n")
	require.ErrorContains(t, err, "By hand")
	_, _, err = choose("by-hand")
	require.ErrorContains(t, err, "by-hand")
}
