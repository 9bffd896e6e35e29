// Package pgurl builds and reads PostgreSQL connection strings: URLs of the form
// postgresql://user:password@host:port/database?parameters.
package pgurl

import (
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"
)

// CAPath is the file in which every Pod that connects to the database has the
// certificate of the authority that signed the server's certificate.
const CAPath = "/etc/postgres/ca.crt"

// defaultPort is PostgreSQL's (libpq's documentation).
const defaultPort = 5432

// URL is a connection string in its components. It holds a password: do not print it.
type URL struct {
	Host                     string
	Port                     int
	Database, User, Password string
	// Parameters are libpq's, such as sslmode.
	Parameters url.Values
}

// errForm does not quote the text, which may hold a password.
var errForm = errors.New("is not of the form postgresql://user:password@host:port/database")

// Parse reads a connection string. Host, database and user are required; the port is
// 5432 if it is left out. The error does not contain the text.
func Parse(text string) (URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "postgresql" && u.Scheme != "postgres" || u.Hostname() == "" || u.User.Username() == "" ||
		strings.Trim(u.Path, "/") == "" {
		return URL{}, errForm
	}
	port := defaultPort
	if u.Port() != "" {
		if port, err = strconv.Atoi(u.Port()); err != nil || port < 1 || port > 65535 {
			return URL{}, errors.New("has a port that is not between 1 and 65535")
		}
	}
	password, _ := u.User.Password()
	return URL{
		Host: u.Hostname(), Port: port, Database: strings.TrimPrefix(u.Path, "/"), User: u.User.Username(), Password: password,
		Parameters: u.Query(),
	}, nil
}

// String returns the connection string, with the password.
func (u URL) String() string {
	out := url.URL{
		Scheme: "postgresql", User: url.UserPassword(u.User, u.Password), Host: net.JoinHostPort(u.Host, strconv.Itoa(u.Port)),
		Path: "/" + u.Database, RawQuery: u.Parameters.Encode(),
	}
	return out.String()
}

// Verified returns the URL with parameters that make the client check the server's
// certificate against CAPath, whatever they were.
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

// Environment returns the URL as libpq's environment variables, without the password:
// that goes into a password file.
func (u URL) Environment() map[string]string {
	return map[string]string{
		"PGHOST": u.Host, "PGPORT": strconv.Itoa(u.Port), "PGDATABASE": u.Database, "PGUSER": u.User,
		"PGSSLMODE": u.Parameters.Get("sslmode"), "PGSSLROOTCERT": u.Parameters.Get("sslrootcert"),
	}
}
