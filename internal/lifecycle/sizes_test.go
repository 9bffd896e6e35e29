package lifecycle_test

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
)

const base = "domain: demo.genericcorp.com\nzone: genericcorp.com\nemail: sre@genericcorp.com\n"

func load(t *testing.T, lines string) settings.Settings {
	t.Helper()
	s, err := settings.Load([]byte(base + lines))
	require.NoError(t, err)
	return s
}

func TestSizesOfAnUpdateAreReadByTheNextOne(t *testing.T) {
	for _, lines := range []string{
		"", "cluster: {ha: true}\nmonitoring: {volumeGiB: 12}\narchive: {volumeGiB: 7}\n",
		"database: {kind: external}\n",
	} {
		sizes := lifecycle.SizesOf(load(t, lines), "db-s-1vcpu-2gb")
		encoded, err := sizes.Encode()
		require.NoError(t, err)
		decoded, err := lifecycle.DecodeSizes(encoded)
		require.NoError(t, err)
		assert.Equal(t, sizes, decoded)
	}
	assert.Empty(t, lifecycle.SizesOf(load(t, "database: {kind: external}\n"), "db-s-1vcpu-2gb").DatabaseSize)
	_, err := lifecycle.DecodeSizes(map[string]any{"databaseSize": "db-of-another-program"})
	require.ErrorContains(t, err, "db-of-another-program")
	_, err = lifecycle.DecodeSizes(map[string]any{"monitoringGiB": "five"})
	require.Error(t, err)
}

func TestASettingThatWouldShrinkWhatRunsIsRefused(t *testing.T) {
	running := lifecycle.Sizes{DatabaseSize: "db-s-1vcpu-2gb", DatabaseVersion: "18", HA: true, MonitoringGiB: 10, ArchiveGiB: 5}
	const same = "cluster: {ha: true}\ndatabase: {version: \"18\"}\nmonitoring: {volumeGiB: 10}\narchive: {volumeGiB: 5}\n"
	next, err := running.Next(load(t, same))
	require.NoError(t, err)
	assert.Equal(t, "db-s-1vcpu-2gb", next.Database.AtLeast)
	_, err = running.Next(load(t, "cluster: {ha: true}\ndatabase: {version: \"18\", size: db-s-2vcpu-4gb}\nmonitoring: {volumeGiB: 11}\narchive: {volumeGiB: 6}\n"))
	require.NoError(t, err, "all of it grows")
	_, err = running.Next(load(t, "cluster: {ha: true}\ndatabase: {version: \"18\"}\nmonitoring: {volumeGiB: 10}\n"))
	require.NoError(t, err, "a stack without an archive has no claim that would shrink")

	_, err = running.Next(load(t, "database: {size: db-s-1vcpu-1gb}\nmonitoring: {volumeGiB: 9}\narchive: {volumeGiB: 4}\n"))
	var faults settings.Faults
	require.True(t, errors.As(err, &faults))
	var paths []string
	for _, f := range faults {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{
		"settings.cluster.ha", "settings.database.size", "settings.database.version", "settings.monitoring.volumeGiB", "settings.archive.volumeGiB",
	}, paths, "all at once")
	assert.ErrorContains(t, err, "is 9, and the running volume has 10 GiB. A volume never shrinks. Write 10")
	assert.ErrorContains(t, err, "db-s-1vcpu-2gb, or remove the line")

	_, err = lifecycle.Sizes{}.Next(load(t, ""))
	require.NoError(t, err, "a new stack")
	external, err := running.Next(load(t, "cluster: {ha: true}\ndatabase: {kind: external}\nmonitoring: {volumeGiB: 10}\n"))
	require.NoError(t, err)
	assert.Empty(t, external.Database.AtLeast)
}
