package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/catalog"
)

type object = map[string]any

// catalogueSizes returns the catalogue's sizes in the form of DigitalOcean's API.
func catalogueSizes() []object {
	var out []object
	for _, n := range catalog.Nodes() {
		out = append(out, object{
			"slug": n.SKU, "vcpus": n.VCPU, "memory": n.MemoryMiB, "price_monthly": float64(n.Unit) / 100, "available": true, "regions": catalog.Regions,
		})
	}
	return out
}

// api serves sizes in pages of ten, and answers one request with 429.
func api(t *testing.T, sizes []object) *httptest.Server {
	t.Helper()
	asked := 0
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "/v2/sizes", r.URL.Path)
		assert.Equal(t, "Bearer secret", r.Header.Get("Authorization"))
		if asked++; asked == 2 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		page, err := strconv.Atoi(r.URL.Query().Get("page"))
		if err != nil {
			page = 1
		}
		first, last := (page-1)*10, min(page*10, len(sizes))
		links := object{}
		if last < len(sizes) {
			links = object{"pages": object{"next": fmt.Sprintf("%s/v2/sizes?page=%d", server.URL, page+1), "last": fmt.Sprintf("%s/v2/sizes?page=9", server.URL)}}
		}
		w.Header().Set("Content-Type", "application/json")
		assert.NoError(t, json.NewEncoder(w).Encode(object{"sizes": sizes[first:last], "links": links, "meta": object{"total": len(sizes)}}))
	}))
	t.Cleanup(server.Close)
	return server
}

// ops runs the command. It returns the exit status, standard output and standard error.
func ops(t *testing.T, args ...string) (status int, out, errs string) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	status = run(t.Context(), args, strings.NewReader(""), &stdout, &stderr)
	return status, stdout.String(), stderr.String()
}

func comparePrices(t *testing.T, sizes []object) (int, string, string) {
	t.Helper()
	t.Setenv(envToken, "secret")
	t.Setenv(envURL, api(t, sizes).URL)
	return pricesOn(t, "2025-12-01") // before any price was read
}

// pricesOn runs the subcommand on a day.
func pricesOn(t *testing.T, day string) (int, string, string) {
	t.Helper()
	now, err := time.Parse(time.DateOnly, day)
	require.NoError(t, err)
	today = func() time.Time { return now }
	t.Cleanup(func() { today = time.Now })
	return ops(t, "prices")
}

func TestPricesNamesSizesThatARegionLacksAndPricesThatAreOld(t *testing.T) {
	all := catalogueSizes()
	for _, size := range all {
		switch size["slug"] {
		case "s-2vcpu-4gb":
			size["regions"] = catalog.Regions[1:]
		case "s-4vcpu-8gb":
			size["available"] = false
		}
	}
	status, out, _ := comparePrices(t, all)
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, out, "s-2vcpu-4gb: not in "+catalog.Regions[0]+".")
	assert.Contains(t, out, "s-4vcpu-8gb: not available")
	assert.Contains(t, out, " 2 differences")

	status, out, _ = pricesOn(t, "2030-01-01")
	assert.Equal(t, exitFailed, status)
	assert.Equal(t, len(catalog.Prices()), strings.Count(out, " was read on "))
}

func TestPricesExitsWith0IfTheSizesOfAllPagesAreEqual(t *testing.T) {
	status, out, errs := comparePrices(t, catalogueSizes())
	assert.Equal(t, exitDone, status, errs)
	assert.Contains(t, out, " 0 differences")
}

func TestPricesPrintsDifferencesAndExitsWith1(t *testing.T) {
	sizes := catalogueSizes()
	sizes[0]["price_monthly"] = 13.5
	sizes[1]["memory"] = 4096
	status, out, _ := comparePrices(t, sizes[:len(sizes)-1])
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, out, "s-1vcpu-2gb: $12.00 in the catalogue")
	assert.Contains(t, out, "$13.50 at DigitalOcean")
	assert.Contains(t, out, "no longer offered")
	assert.Contains(t, out, " 3 differences")
}

func TestPricesWithoutATokenNamesTheVariableAndTheScope(t *testing.T) {
	t.Setenv(envToken, "")
	status, _, errs := ops(t, "prices")
	assert.Equal(t, exitUsage, status)
	assert.Contains(t, errs, "DIGITALOCEAN_ACCESS_TOKEN is not set")
	assert.Contains(t, errs, "sizes:read")
}

func TestPricesWithARefusedTokenExitsWith1AndDoesNotPrintTheToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(server.Close)
	t.Setenv(envToken, "secret")
	t.Setenv(envURL, server.URL)
	status, out, errs := ops(t, "prices")
	assert.Equal(t, exitFailed, status)
	assert.Contains(t, errs, "401")
	assert.NotContains(t, out+errs, "secret")
}
