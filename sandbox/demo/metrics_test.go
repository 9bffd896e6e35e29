package demo

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestHighestReadsTheAnswerOfVictoriaMetrics(t *testing.T) {
	for answer, want := range map[string]float64{
		`{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1764532800,"7"]}]}}`: 7,
		`{"status":"success","data":{"resultType":"vector","result":[]}}`:                                       0,
		`{"status":"error","errorType":"422","error":"cannot parse it"}`:                                        -1,
		`no JSON`: -1,
	} {
		var asked string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked = r.URL.Query().Get("query")
			_, _ = io.WriteString(w, answer)
		}))
		u, err := url.Parse(server.URL)
		require.NoError(t, err)
		port, err := strconv.Atoi(u.Port())
		require.NoError(t, err)
		d := New("", "", "", "demo", Ports{Metrics: port}, 0, io.Discard, io.Discard)
		got, err := d.highest(t.Context(), "sum(x)", 2*time.Minute)
		server.Close()
		assert.Equal(t, "max_over_time(sum(x)[120s:5s])", asked)
		if want < 0 {
			assert.ErrorContains(t, err, "sum(x)", answer)
			continue
		}
		require.NoError(t, err)
		assert.InDelta(t, want, got, 0)
	}
}
