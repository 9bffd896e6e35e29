package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/catalog"
)

type object = map[string]any

// offered is the catalogue as DigitalOcean would return it.
func offered() []object {
	var out []object
	for _, n := range catalog.Nodes() {
		out = append(out, object{
			"slug": n.SKU, "vcpus": n.VCPU, "memory": n.MemoryMiB, "price_monthly": float64(n.Unit) / 100, "available": true,
		})
	}
	return out
}

// api serves sizes in pages of ten, and asks for patience once.
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

func prices(t *testing.T, sizes []object) (int, string, string) {
	t.Helper()
	client, err := newClient("secret", api(t, sizes).URL+"/")
	require.NoError(t, err)
	var out, errs bytes.Buffer
	status := run(t.Context(), client, &out, &errs)
	return status, out.String(), errs.String()
}

func TestNothingDiffersOverSeveralPages(t *testing.T) {
	status, out, errs := prices(t, offered())
	assert.Equal(t, exitSame, status, errs)
	assert.Contains(t, out, "0 differ")
}

func TestWhatDiffersIsPrinted(t *testing.T) {
	sizes := offered()
	sizes[0]["price_monthly"] = 13.5
	sizes[1]["memory"] = 4096
	status, out, _ := prices(t, sizes[:len(sizes)-1])
	assert.Equal(t, exitDiffer, status)
	assert.Contains(t, out, "s-1vcpu-2gb: $12.00 here")
	assert.Contains(t, out, "$13.50 there")
	assert.Contains(t, out, "no longer offered")
	assert.Contains(t, out, "3 differ")
}

func TestAMissingTokenSaysWhereToGetOne(t *testing.T) {
	_, err := newClient("", "")
	assert.ErrorContains(t, err, "DIGITALOCEAN_TOKEN is not set")
	assert.ErrorContains(t, err, "sizes:read")
}

func TestAServerThatRefusesIsAFailureAndShowsNoToken(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) }))
	t.Cleanup(server.Close)
	client, err := newClient("secret", server.URL+"/")
	require.NoError(t, err)
	var out, errs bytes.Buffer
	assert.Equal(t, exitFailed, run(t.Context(), client, &out, &errs))
	assert.Contains(t, errs.String(), "401")
	assert.NotContains(t, errs.String(), "secret")
}
