// Package pgurl parses and builds PostgreSQL connection strings of the form
// postgresql://user:password@host:port/database?parameters. Its errors never contain the
// text, because the text has a password.
package pgurl

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// CAPath is a file in every Pod that connects to the database. It has the certificate of
// the authority that signed the server's certificate.
const CAPath = "/etc/postgres/ca.crt"

// defaultPort is libpq's default (PostgreSQL's documentation of libpq).
const defaultPort = 5432

// URL is a parsed connection string. Do not print it: it has a password.
type URL struct {
	// Host is a host name or an IP address, without brackets.
	Host                     string
	Port                     int
	Database, User, Password string
	// Parameters are libpq's connection parameters, such as sslmode.
	Parameters url.Values
}

// errForm does not quote the text, because the text may have a password.
var errForm = errors.New("is not of the form postgresql://user:password@host:port/database")

// Parse parses a connection string. Host, database and user are required. The default
// port is 5432. An error completes a sentence such as "the connection string …".
func Parse(text string) (URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgresql" && u.Scheme != "postgres" || u.Hostname() == "" || u.User.Username() == "" ||
		strings.Trim(u.Path, "/") == "" {
		return URL{}, errForm
	}
	port := defaultPort
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return URL{}, errors.New("has a port that is not a number from 1 to 65535")
		}
	}
	password, _ := u.User.Password()
	return URL{
		Host: u.Hostname(), Port: port, Database: strings.TrimPrefix(u.Path, "/"), User: u.User.Username(), Password: password,
		Parameters: u.Query(),
	}, nil
}

// String returns the connection string. It contains the password.
func (u URL) String() string {
	out := url.URL{
		Scheme: "postgresql", User: url.UserPassword(u.User, u.Password), Host: net.JoinHostPort(u.Host, strconv.Itoa(u.Port)),
		Path: "/" + u.Database, RawQuery: u.Parameters.Encode(),
	}
	return out.String()
}

// Verified returns a copy of the URL with sslmode=verify-full and sslrootcert=CAPath. The
// client then checks the server's certificate and host name. Other parameters stay.
func (u URL) Verified() URL {
	parameters := url.Values{}
	for name, values := range u.Parameters {
		parameters[name] = values
	}
	parameters.Set("sslmode", "verify-full")
	parameters.Set("sslrootcert", CAPath)
	u.Parameters = parameters
	return u
}

// Environment returns the URL as libpq's environment variables. The password is not in
// it: pass that in a password file (PGPASSFILE).
func (u URL) Environment() map[string]string {
	return map[string]string{
		"PGHOST": u.Host, "PGPORT": strconv.Itoa(u.Port), "PGDATABASE": u.Database, "PGUSER": u.User,
		"PGSSLMODE": u.Parameters.Get("sslmode"), "PGSSLROOTCERT": u.Parameters.Get("sslrootcert"),
	}
}
