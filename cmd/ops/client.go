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

// Environment variables that the subcommands read. The Pulumi provider for
// DigitalOcean reads the same two.
const (
	envToken = "DIGITALOCEAN_ACCESS_TOKEN"
	envURL   = "DIGITALOCEAN_API_URL"
)

// digitalOcean returns a client for DigitalOcean's API at DIGITALOCEAN_API_URL
// (default: the public address). It retries up to four times when the API answers
// 429 or 5xx. A missing token is an error that names the scopes to ask for.
func digitalOcean(scopes string) (*godo.Client, error) {
	token := os.Getenv(envToken)
	if token == "" {
		return nil, badInput(fmt.Errorf("%s is not set; make a token with the scopes %s at https://cloud.digitalocean.com/account/api/tokens", envToken, scopes))
	}
	options := []godo.ClientOpt{godo.WithRetryAndBackoffs(godo.RetryConfig{RetryMax: 4})}
	if address := os.Getenv(envURL); address != "" {
		if u, err := url.Parse(address); err != nil || u.Host == "" {
			return nil, badInput(errors.New(envURL + " is not an address such as https://api.digitalocean.com"))
		}
		// godo resolves "v2/..." relative to it, which needs the slash.
		options = append(options, godo.SetBaseURL(strings.TrimSuffix(address, "/")+"/"))
	}
	source := oauth2.StaticTokenSource(&oauth2.Token{AccessToken: token})
	client := oauth2.NewClient(context.Background(), source)
	client.Timeout = time.Minute // a lost network ends a request
	return godo.New(client, options...)
}
