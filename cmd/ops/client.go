package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/digitalocean/godo"
	"golang.org/x/oauth2"
)

// Environment variables of the subcommands. Pulumi's DigitalOcean provider reads the same
// two.
const (
	envToken = "DIGITALOCEAN_ACCESS_TOKEN"
	envURL   = "DIGITALOCEAN_API_URL"
)

// digitalOcean returns a client of DigitalOcean's API at DIGITALOCEAN_API_URL. The default
// is the public address. The client retries up to four times after the answers 429 and
// 5xx. If there is no token, the error names the scopes that a new token needs.
func digitalOcean(scopes string) (*godo.Client, error) {
	token := os.Getenv(envToken)
	if token == "" {
		return nil, badInput(fmt.Errorf("%s is not set; create a token with the scopes %s at https://cloud.digitalocean.com/account/api/tokens", envToken, scopes))
	}
	options := []godo.ClientOpt{godo.WithRetryAndBackoffs(godo.RetryConfig{RetryMax: 4})}
	if address := os.Getenv(envURL); address != "" {
		if u, err := url.Parse(address); err != nil || u.Host == "" {
			return nil, badInput(errors.New(envURL + " is not a URL such as https://api.digitalocean.com"))
		}
		// godo resolves "v2/..." relative to this URL. That needs the slash at its end.
		options = append(options, godo.SetBaseURL(strings.TrimSuffix(address, "/")+"/"))
	}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	client := oauth2.NewClient(context.Background(), source)
	client.Timeout = time.Minute // without it, a request on a broken connection never ends
	return godo.New(client, options...)
}
