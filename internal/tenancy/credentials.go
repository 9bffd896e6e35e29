package tenancy

import (
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/genericcorp/platform/internal/names"
	"github.com/genericcorp/platform/internal/pgurl"
	"github.com/genericcorp/platform/internal/settings"
)

// iterations is PostgreSQL's own default (scram_iterations).
const iterations = 4096

// Password of a tenant's role: 32 characters, 192 bits, derived from the stack's
// random seed, so that a thousand tenants need one random resource and not a
// thousand. Another PasswordVersion is another password, and so is another Life:
// a connection string of a purged tenant opens nothing of the next one of its name.
func Password(seed string, t settings.Tenant) string {
	return base64.RawURLEncoding.EncodeToString(derive(seed, "password", t)[:24])
}

// derive returns 32 bytes for a role; purpose keeps those of a tenant apart.
func derive(seed, purpose string, t settings.Tenant) []byte {
	mac := hmac.New(sha256.New, []byte(seed))
	fmt.Fprintf(mac, "%s/%s/%d", purpose, t.Name, t.PasswordVersion)
	if t.Life > 1 {
		fmt.Fprintf(mac, "/life %d", t.Life)
	}
	return mac.Sum(nil)
}

// ownerLogsIn reports whether the Job may have to log in as the tenant's owner: to
// archive, compare or restore it.
func ownerLogsIn(t settings.Tenant) bool {
	return t.Restore || t.State == settings.Archived || t.State == settings.Purged
}

// ownerPassword is for the sessions in which the Job dumps and restores a tenant.
func ownerPassword(seed string, t settings.Tenant) string {
	return base64.RawURLEncoding.EncodeToString(derive(seed, "owner", t)[:24])
}

// Verifiers returns the file from which the reconcile run sets passwords: a line of
// role and SCRAM-SHA-256 verifier for each tenant's login, and for each owner that the
// Job may have to log in as. The server never sees the passwords themselves, and
// neither do its logs.
func Verifiers(seed string, tenants []settings.Tenant) (string, error) {
	var b strings.Builder
	for _, t := range tenants {
		roles := map[string]string{names.SQL(t.Name): Password(seed, t)}
		if ownerLogsIn(t) {
			roles[names.Owner(t.Name)] = ownerPassword(seed, t)
		}
		for _, role := range slices.Sorted(maps.Keys(roles)) {
			v, err := verifier(roles[role], derive(seed, "salt/"+role, t)[:16])
			if err != nil {
				return "", fmt.Errorf("tenant %s: %w", t.Name, err)
			}
			fmt.Fprintf(&b, "%s,%s\n", role, v)
		}
	}
	return b.String(), nil
}

// Passwords returns libpq's password file for the Job: the administrator's, and those
// of the owners that it may have to log in as to archive, purge or restore a tenant.
func Passwords(admin, seed string, tenants []settings.Tenant) (string, error) {
	u, err := parseAdmin(admin)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	line := func(role, password string) {
		escape := strings.NewReplacer(`\`, `\\`, ":", `\:`)
		fmt.Fprintf(&b, "*:*:*:%s:%s\n", escape.Replace(role), escape.Replace(password))
	}
	line(u.User, u.Password)
	for _, t := range tenants {
		if ownerLogsIn(t) {
			line(names.Owner(t.Name), ownerPassword(seed, t))
		}
	}
	return b.String(), nil
}

// verifier is what PostgreSQL stores for a password (RFC 5803).
func verifier(password string, salt []byte) (string, error) {
	salted, err := pbkdf2.Key(sha256.New, password, salt, iterations, sha256.Size)
	if err != nil {
		return "", err
	}
	sign := func(text string) []byte {
		mac := hmac.New(sha256.New, salted)
		mac.Write([]byte(text))
		return mac.Sum(nil)
	}
	stored := sha256.Sum256(sign("Client Key"))
	encode := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", iterations, encode(salt), encode(stored[:]), encode(sign("Server Key"))), nil
}

// Address is where a server listens.
type Address struct {
	Host string
	Port int
}

// URLs returns the connection strings of the tenants that may log in, by file name:
// <tenant>.url. Each has the parameters of the administrator's, the pooler's address,
// and the tenant's role. Prisma needs no other form: its adapter
// takes this one and the schema (docs/prisma.md).
func URLs(admin string, pooler Address, seed string, tenants []settings.Tenant) (map[string]string, error) {
	u, err := parseAdmin(admin)
	if err != nil {
		return nil, err
	}
	u.Host, u.Port = pooler.Host, pooler.Port
	out := map[string]string{}
	for _, t := range tenants {
		if t.LogsIn() {
			u.Database, u.User, u.Password = poolerDatabase(t), names.SQL(t.Name), Password(seed, t)
			out[t.Name+".url"] = u.String()
		}
	}
	return out, nil
}

// parseAdmin reads the administrator's connection string.
func parseAdmin(text string) (pgurl.URL, error) {
	u, err := pgurl.Parse(text)
	if err != nil {
		return pgurl.URL{}, fmt.Errorf("the administrator's connection string %w", err)
	}
	return u, nil
}

// Environment returns the administrator's connection string as libpq's variables,
// without the password, which has a file of its own (Passwords).
func Environment(admin string) (map[string]string, error) {
	u, err := parseAdmin(admin)
	if err != nil {
		return nil, err
	}
	return u.Environment(), nil
}
