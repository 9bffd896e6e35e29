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
	query = fmt.Sprintf("max_over_time(%s[%ds:5s])", query, int(during.Seconds()))
	address := fmt.Sprintf("http://127.0.0.1:%d/api/v1/query?query=%s", d.ports.Metrics, url.QueryEscape(query))
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	var answer struct {
		Error string
		Data  struct{ Result []struct{ Value [2]any } }
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return 0, fmt.Errorf("%s: %w", query, err)
	}
	if answer.Error != "" {
		return 0, fmt.Errorf("%s: %s", query, answer.Error)
	}
	if len(answer.Data.Result) == 0 {
		return 0, nil
	}
	text, _ := answer.Data.Result[0].Value[1].(string)
	return strconv.ParseFloat(text, 64)
}
