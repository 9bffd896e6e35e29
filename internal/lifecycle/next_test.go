package lifecycle_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
)

// known returns a history that has a name in every state.
func known() lifecycle.History {
	return lifecycle.History{
		"active":    {State: settings.Active, Declared: true, Life: 1},
		"suspended": {State: settings.Suspended, Declared: true, Life: 1},
		"archived":  {State: settings.Archived, Declared: true, Life: 1},
		"purged":    {State: settings.Purged, Declared: true, Life: 1},
		"gone":      {State: settings.Purged, Life: 3},
		"deleted":   {State: settings.Suspended, Life: 1},
		"restored":  {State: settings.Active, Declared: true, Life: 2, Restore: true},
		"fresh":     {State: settings.Active, Declared: true, Life: 2, Fresh: true},
		"old":       {State: lifecycle.Renamed, Life: 1},
		"new":       {State: settings.Active, Declared: true, Life: 1, RenamedFrom: "old"},
	}
}

func entry(name, state string, changes ...func(*settings.Tenant)) settings.Tenant {
	t := settings.Tenant{Name: name, State: state}
	for _, change := range changes {
		change(&t)
	}
	return t
}

func restore(t *settings.Tenant) { t.Restore = true }
func fresh(t *settings.Tenant)   { t.Fresh = true }

func from(old string) func(*settings.Tenant) {
	return func(t *settings.Tenant) { t.RenamedFrom = old }
}

const (
	active, suspended, archived, purged = settings.Active, settings.Suspended, settings.Archived, settings.Purged

	onlyArchived = "only an archived tenant can be purged"
	wasPurged    = "was purged; to have it back"
	notPurged    = "applies only to a tenant that was purged"
	nothing      = "no update of this stack"
)

func TestNextReturnsAFaultForEachForbiddenChange(t *testing.T) {
	for name, c := range map[string]struct {
		entry settings.Tenant
		path  string
		want  string
	}{
		"an active tenant is purged":              {entry("active", purged), "state", onlyArchived},
		"a suspended tenant is purged":            {entry("suspended", purged), "state", onlyArchived},
		"an archived tenant is purged":            {entry("archived", purged), "", ""},
		"a purged tenant stays purged":            {entry("purged", purged), "", ""},
		"a purged entry comes back":               {entry("gone", purged), "", ""},
		"a deleted tenant is purged":              {entry("deleted", purged), "state", onlyArchived},
		"a deleted tenant is active again":        {entry("deleted", active), "", ""},
		"an archived tenant is active again":      {entry("archived", active), "", ""},
		"a purged tenant becomes active":          {entry("purged", active), "state", wasPurged},
		"a purged entry becomes active":           {entry("gone", active), "state", wasPurged},
		"a purged tenant becomes suspended":       {entry("purged", suspended), "state", wasPurged},
		"a purged tenant becomes archived":        {entry("purged", archived), "state", wasPurged},
		"a purged tenant is restored":             {entry("purged", active, restore), "", ""},
		"a purged tenant starts again":            {entry("purged", active, fresh), "", ""},
		"an active tenant is restored":            {entry("active", active, restore), "restore", notPurged},
		"an archived tenant is restored":          {entry("archived", active, restore), "restore", notPurged},
		"an active tenant starts again":           {entry("active", active, fresh), "fresh", notPurged},
		"restore stays in the file":               {entry("restored", active, restore), "", ""},
		"fresh stays in the file":                 {entry("fresh", active, fresh), "", ""},
		"fresh becomes restore":                   {entry("fresh", active, restore), "restore", notPurged},
		"a new tenant":                            {entry("other", active), "", ""},
		"a new tenant is suspended":               {entry("other", suspended), "", ""},
		"a new tenant says fresh":                 {entry("other", active, fresh), "", ""},
		"a new tenant is archived":                {entry("other", archived), "state", nothing},
		"a new tenant is purged":                  {entry("other", purged), "state", nothing},
		"a new tenant is restored":                {entry("other", active, restore), "restore", nothing},
		"a new tenant with a name given up":       {entry("old", active), "", ""},
		"a name that was given up is purged":      {entry("old", purged), "state", nothing},
		"a rename":                                {entry("other", active, from("active")), "", ""},
		"a rename of a suspended tenant":          {entry("other", suspended, from("suspended")), "", ""},
		"a rename of a deleted entry":             {entry("other", active, from("deleted")), "", ""},
		"a rename and an archive":                 {entry("other", archived, from("active")), "", ""},
		"a rename that was done stays":            {entry("new", active, from("old")), "", ""},
		"a rename back":                           {entry("old", active, from("new")), "", ""},
		"a rename of an unknown name":             {entry("other", active, from("unknown")), "renamedFrom", nothing},
		"a rename of a purged tenant":             {entry("other", active, from("purged")), "renamedFrom", "was purged; bring it back"},
		"a rename of an archived tenant":          {entry("other", active, from("archived")), "renamedFrom", "is archived"},
		"a second rename of one tenant":           {entry("other", active, from("old")), "renamedFrom", `"old" has another name already, "new"`},
		"a rename to a tenant that is there":      {entry("suspended", active, from("active")), "name", "there is a tenant"},
		"a rename to a tenant that was deleted":   {entry("deleted", active, from("active")), "name", "there is a tenant"},
		"a rename to the name of a purged tenant": {entry("gone", active, from("active")), "name", "was purged, and its archive"},
	} {
		t.Run(name, func(t *testing.T) {
			_, faults := known().Next([]settings.Tenant{c.entry})
			if c.want == "" {
				assert.Empty(t, faults)
				return
			}
			require.Len(t, faults, 1)
			assert.Equal(t, "settings.tenants[0]."+c.path, faults[0].Path)
			assert.Equal(t, c.entry.Name, faults[0].Tenant)
			assert.Contains(t, faults[0].Problem, c.want)
		})
	}
}

func TestNextReturnsTheFaultsOfAllEntries(t *testing.T) {
	_, faults := known().Next([]settings.Tenant{
		entry("active", purged), entry("purged", suspended), entry("other", active), entry("another", active, from("gone")), entry("beta", active, restore),
	})
	var paths []string
	for _, f := range faults {
		paths = append(paths, f.Path)
	}
	assert.Equal(t, []string{"settings.tenants[0].state", "settings.tenants[1].state", "settings.tenants[3].renamedFrom", "settings.tenants[4].restore"}, paths)
}

// after returns the history after an update that has no faults.
func after(t *testing.T, h lifecycle.History, tenants ...settings.Tenant) lifecycle.History {
	t.Helper()
	next, faults := h.Next(tenants)
	require.Empty(t, faults)
	again, faults := next.Next(tenants)
	require.Empty(t, faults, "the same stack file again")
	require.Equal(t, next, again, "the same stack file again must change nothing")
	return next
}

func TestLifeRisesWhenAnotherTenantGetsTheName(t *testing.T) {
	h := after(t, nil, entry("acme", active))
	for _, step := range []struct {
		what    string
		tenants []settings.Tenant
		life    int
	}{
		{"suspended", []settings.Tenant{entry("acme", suspended)}, 1},
		{"archived", []settings.Tenant{entry("acme", archived)}, 1},
		{"active from the archive", []settings.Tenant{entry("acme", active)}, 1},
		{"archived again", []settings.Tenant{entry("acme", archived)}, 1},
		{"purged", []settings.Tenant{entry("acme", purged)}, 1},
		{"restored", []settings.Tenant{entry("acme", active, restore)}, 2},
		{"restore is taken out", []settings.Tenant{entry("acme", active)}, 2},
		{"archived in its second life", []settings.Tenant{entry("acme", archived)}, 2},
		{"purged in its second life", []settings.Tenant{entry("acme", purged)}, 2},
		{"the entry is deleted", nil, 2},
		{"it starts again", []settings.Tenant{entry("acme", active, fresh)}, 3},
		{"it is renamed", []settings.Tenant{entry("beta", active, from("acme"))}, 3},
		{"a new tenant has the old name", []settings.Tenant{entry("acme", active), entry("beta", active)}, 4},
	} {
		h = after(t, h, step.tenants...)
		assert.Equal(t, step.life, h["acme"].Life, step.what)
	}
	assert.Equal(t, 1, h["beta"].Life)
}

func TestLifeRisesWhenATenantIsRenamedBack(t *testing.T) {
	h := after(t, nil, entry("acme", active))
	h = after(t, h, entry("beta", active, from("acme")))
	h = after(t, h, entry("acme", active, from("beta")))
	assert.Equal(t, 2, h["acme"].Life)
	assert.Equal(t, lifecycle.Renamed, h["beta"].State)
}

func TestLifeOfAFreshTenantWithAnUnknownNameIs2(t *testing.T) {
	h := after(t, nil, entry("acme", active, fresh))
	assert.Equal(t, 2, h["acme"].Life, "its first life is in a history that was lost")
}

func TestNextKeepsTheRecordsOfDeletedEntries(t *testing.T) {
	h := after(t, known(), entry("new", active))
	assert.Equal(t, lifecycle.Record{State: suspended, Life: 1}, h["active"])
	assert.Equal(t, lifecycle.Record{State: archived, Life: 1}, h["archived"])
	assert.Equal(t, lifecycle.Record{State: purged, Life: 3}, h["gone"])
	assert.Equal(t, lifecycle.Record{State: suspended, Life: 2}, h["restored"])
	_, faults := h.Next([]settings.Tenant{entry("archived", purged)})
	assert.Empty(t, faults, "archived, and then its entry was deleted")
	_, faults = h.Next([]settings.Tenant{entry("restored", active, restore)})
	assert.NotEmpty(t, faults, "restore was taken out, and nothing was purged since")
}

func TestVanishedReturnsDeletedAndNewEntriesButNoRenames(t *testing.T) {
	h := lifecycle.History{
		"acme": {State: active, Declared: true, Life: 1}, "beta": {State: purged, Declared: true, Life: 1}, "gone": {State: suspended, Life: 1},
	}
	for name, c := range map[string]struct {
		tenants            []settings.Tenant
		vanished, appeared []string
	}{
		"deleted":         {nil, []string{"acme"}, nil},
		"one for another": {[]settings.Tenant{entry("other", active)}, []string{"acme"}, []string{"other"}},
		"renamed":         {[]settings.Tenant{entry("other", active, from("acme"))}, nil, nil},
		"one comes back":  {[]settings.Tenant{entry("acme", active), entry("gone", active)}, nil, []string{"gone"}},
	} {
		t.Run(name, func(t *testing.T) {
			vanished, appeared := h.Vanished(c.tenants)
			assert.Equal(t, c.vanished, vanished)
			assert.Equal(t, c.appeared, appeared)
		})
	}
}

func TestDecodeReturnsWhatWasEncodedAndRefusesBrokenRecords(t *testing.T) {
	output, err := known().Encode()
	require.NoError(t, err)
	text, err := json.Marshal(output)
	require.NoError(t, err)
	var read map[string]any
	require.NoError(t, json.Unmarshal(text, &read))
	h, err := lifecycle.Decode(read)
	require.NoError(t, err)
	assert.Equal(t, known(), h)
	for name, broken := range map[string]map[string]any{
		"no life": {"acme": map[string]any{"state": "active"}}, "no state": {"acme": map[string]any{"life": 1}}, "no record": {"acme": "active"},
	} {
		_, err := lifecycle.Decode(broken)
		assert.Error(t, err, name)
	}
}

func TestTenantsReturnsACopyWithTheLifeOfEachName(t *testing.T) {
	declared := []settings.Tenant{entry("restored", active), entry("active", active)}
	tenants := known().Tenants(declared)
	assert.Equal(t, []int{2, 1}, []int{tenants[0].Life, tenants[1].Life})
	assert.Zero(t, declared[0].Life, "the argument must not change")
}

// FuzzHistories runs random stack files one after another. For each file without faults,
// the same file again must change nothing. The password of a purged tenant must not work
// for the next tenant of its name, so the life has to rise.
func FuzzHistories(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 20, 30, 40, 3, 100, 7})
	f.Fuzz(func(t *testing.T, steps []byte) {
		names, states := []string{"acme", "beta", "corp"}, []string{active, suspended, archived, purged}
		var h lifecycle.History
		for _, step := range steps {
			n := int(step)
			e := entry(names[n%3], states[n/3%4])
			switch n / 12 % 4 {
			case 1:
				e.Restore = true
			case 2:
				e.Fresh = true
			case 3:
				e.RenamedFrom = names[(n+1)%3]
			}
			next, faults := h.Next([]settings.Tenant{e})
			if len(faults) > 0 {
				continue
			}
			again, faults := next.Next([]settings.Tenant{e})
			require.Empty(t, faults)
			require.Equal(t, next, again)
			for name, was := range h {
				reborn := was.State == purged && next[name].State != purged
				if reborn || was.State == lifecycle.Renamed && next[name].State != lifecycle.Renamed {
					require.Greater(t, next[name].Life, was.Life, name)
				}
				require.GreaterOrEqual(t, next[name].Life, was.Life, name)
			}
			h = next
		}
	})
}
