package demo

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

// highest returns the highest value that a query had in VictoriaMetrics in the last while. It is 0
// if there was none.
func (d *Demo) highest(ctx context.Context, query string, during time.Duration) (float64, error) {
	values, err := d.Query(ctx, fmt.Sprintf("max_over_time(%s[%ds:5s])", query, int(during.Seconds())))
	if err != nil || len(values) == 0 {
		return 0, err
	}
	return values[0], nil
}

// Query returns the values of a query in VictoriaMetrics now, one for each series.
func (d *Demo) Query(ctx context.Context, query string) ([]float64, error) {
	// By default VictoriaMetrics does not return the last 30 seconds (latency_offset).
	address := fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?latency_offset=1ms&query=%s", d.ports.Metrics, url.QueryEscape(query))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	var answer struct {
		Error string
		Data  struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return nil, fmt.Errorf("%s: %w", query, err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("%s: %s", query, answer.Error)
	}
	var out []float64
	for _, series := range answer.Data.Result {
		text, _ := series.Value[1].(string)
		value, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", query, err)
		}
		out = append(out, value)
	}
	return out, nil
}
