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

// iterations is PostgreSQL's default for scram_iterations.
const iterations = 4096

// Password returns the password of a tenant's login role: 32 characters with 192 bits. It
// is derived from the stack's random seed, so a thousand tenants need one random resource.
// Another PasswordVersion gives another password. So does another Life: a new tenant with
// a purged tenant's name does not get the old password.
func Password(seed string, t settings.Tenant) string {
	return base64.RawURLEncoding.EncodeToString(derive(seed, "password", t)[:24])
}

// derive returns 32 bytes for a tenant. Each purpose gives other bytes.
func derive(seed, purpose string, t settings.Tenant) []byte {
	mac := hmac.New(sha256.New, []byte(seed))
	fmt.Fprintf(mac, "%s/%s/%d", purpose, t.Name, t.PasswordVersion)
	if t.Life > 1 {
		fmt.Fprintf(mac, "/life %d", t.Life)
	}
	return mac.Sum(nil)
}

// ownerLogsIn reports whether the Job may have to log in as the owner of the tenant's
// schema. It does that to archive, compare or restore the schema.
func ownerLogsIn(t settings.Tenant) bool {
	return t.Restore || t.State == settings.Archived || t.State == settings.Purged
}

// ownerPassword returns the password of the owner of a tenant's schema. Only the Job uses it.
func ownerPassword(seed string, t settings.Tenant) string {
	return base64.RawURLEncoding.EncodeToString(derive(seed, "owner", t)[:24])
}

// Verifiers returns VerifiersFile, from which the Job sets passwords. Each line has a role
// and its SCRAM-SHA-256 verifier. There is a line for each tenant's login, and for each
// owner that the Job may have to log in as. So no password reaches the server or its logs.
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

// Passwords returns PasswordsFile, a password file of libpq. It has the password of the
// administrator in the URL admin. It also has the passwords of the owners that the Job may
// have to log in as, to archive, purge or restore a tenant.
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

// verifier returns the text that PostgreSQL stores for a password (RFC 5803).
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

// Address is the host and the TCP port on which a server listens.
type Address struct {
	Host string
	Port int
}

// URLs returns the connection strings of the tenants that may log in, by file name:
// <tenant>.url. Each has the pooler's address, the tenant's role and password, and the
// parameters of the URL admin. Prisma needs no other form: its adapter takes this string
// and the name of the schema (docs/prisma.md).
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

// parseAdmin parses the administrator's connection string.
func parseAdmin(text string) (pgurl.URL, error) {
	u, err := pgurl.Parse(text)
	if err != nil {
		return pgurl.URL{}, fmt.Errorf("the administrator's connection string %w", err)
	}
	return u, nil
}

// Environment returns the administrator's connection string as variables of libpq. It
// leaves out the password, which is in PasswordsFile.
func Environment(admin string) (map[string]string, error) {
	u, err := parseAdmin(admin)
	if err != nil {
		return nil, err
	}
	return u.Environment(), nil
}
