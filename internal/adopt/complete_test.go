package adopt_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/digitalocean/godo"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/genericcorp/platform/internal/adopt"
)

func TestCompareIgnoresResourcesThatWaitForTheirDeletion(t *testing.T) {
	old := child(componentURN, "digitalocean:index/vpc:Vpc", "v")
	old.Delete = true
	script := compare(t, state(t, append(parents(), old)...), false)
	assert.Equal(t, 6, script.Missing)
	assert.Contains(t, script.String(), "VPC platform-demo (v): not in the state")
}

func TestFindReadsEveryPageOfAList(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		key := r.URL.Path[strings.LastIndex(r.URL.Path, "/")+1:]
		switch {
		case key != "vpcs":
			fmt.Fprintf(w, `{"kubernetes_clusters":[],"databases":[]}`)
		case r.URL.Query().Get("page") == "2":
			fmt.Fprint(w, `{"vpcs":[{"id":"v","name":"platform-demo"}],"links":{}}`)
		default:
			fmt.Fprintf(w, `{"vpcs":[{"id":"o","name":"other"}],"links":{"pages":{"next":"http://%s/v2/vpcs?page=2","last":"http://%[1]s/v2/vpcs?page=2"}}}`, r.Host)
		}
	}))
	t.Cleanup(server.Close)
	client, err := godo.New(http.DefaultClient, godo.SetBaseURL(server.URL+"/"))
	require.NoError(t, err)
	things, err := adopt.Find(t.Context(), client, "platform-demo")
	require.NoError(t, err)
	require.Len(t, things, 1)
	assert.Equal(t, "v", things[0].ImportID)
}
