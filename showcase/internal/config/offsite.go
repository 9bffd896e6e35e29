package config

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"regexp"
	"strings"

	"filippo.io/age"
)

// Offsite is the configuration of the copies of backups in an S3-compatible bucket. Settings says what
// each value changes.
type Offsite struct {
	BackupsDir             string
	Endpoint               *url.URL
	Bucket, Region, Prefix string
	AccessKey, SecretKey   string
	// Recipients are the public keys that encrypt the copies. Without one, copies are not encrypted.
	Recipients []age.Recipient
	// IdentityFile is the file of the private key. It is only read to decrypt.
	IdentityFile string
}

// noEncryption is the value of AGE_RECIPIENTS for copies that are not encrypted.
const noEncryption = "none"

// offsiteSettings are those of `agenthq offsite`.
var offsiteSettings = []Setting{
	{
		Name: "BACKUPS_DIR", Type: "folder", Default: "`/backups`",
		Effect:   "`agenthq offsite` copies the backups in this folder to a bucket, and fetches them into it.",
		fallback: constant("/backups"), set: setBackupsDir,
	},
	{
		Name: "S3_ENDPOINT", Type: "address without a path", Default: "required by `offsite`",
		Effect:   "This is the address of the S3-compatible service.",
		fallback: constant(""), set: setEndpoint,
	},
	text("S3_BUCKET", "name", "required by `offsite`", "This bucket gets the copies; it must exist.", bucketName,
		"set it to the name of your bucket, such as my-backups", func(c *Config) *string { return &c.Offsite.Bucket }),
	text("S3_REGION", "name", "the service is asked", "The bucket is in this region.", regionName,
		"write it as eu-central-1", func(c *Config) *string { return &c.Offsite.Region }),
	text("S3_PREFIX", "folder that ends in a slash", "none", "The names of the copies begin with it; servers that share a bucket need different ones.", prefixName,
		"write it as hq/", func(c *Config) *string { return &c.Offsite.Prefix }),
	secret("S3_ACCESS_KEY", "It is the ID of the access key of the bucket.", func(c *Config) *string { return &c.Offsite.AccessKey }),
	secret("S3_SECRET_KEY", "It is the secret of the access key of the bucket.", func(c *Config) *string { return &c.Offsite.SecretKey }),
	{
		Name: "AGE_RECIPIENTS", Type: "public keys of age, or `none`", Default: "required by `offsite`",
		Effect:   "The copies are encrypted for these keys, which are separated by spaces; with `none` they are not encrypted.",
		fallback: constant(""), set: setRecipients,
	},
	{
		Name: "AGE_IDENTITY_FILE", Type: "file", Default: "none",
		Effect:   "`agenthq offsite fetch` decrypts with the private key of age in this file; nothing else reads it.",
		fallback: constant(""), set: func(c *Config, text string) error { c.Offsite.IdentityFile = text; return nil },
	},
}

var (
	bucketName = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	regionName = regexp.MustCompile(`^[A-Za-z0-9-]*$`)
	prefixName = regexp.MustCompile(`^([\w.-]+/)*$`)
)

// LoadOffsite reads the configuration of `agenthq offsite`, as Load reads that of the app. It needs no
// database.
func LoadOffsite(env map[string]string) (Offsite, error) {
	c, err := load(offsiteSettings, env)
	return c.Offsite, err
}

// text is a setting whose value must match a pattern. advice completes the fault of another value.
func text(name, kind, fallback, effect string, pattern *regexp.Regexp, advice string, field func(*Config) *string) Setting {
	return Setting{
		Name: name, Type: kind, Default: fallback, Effect: effect, fallback: constant(""),
		set: func(c *Config, text string) error {
			*field(c) = text
			switch {
			case pattern.MatchString(text):
				return nil
			case text == "":
				return errors.New("is missing; " + advice)
			}
			return fmt.Errorf("%q is not a %s; %s", text, kind, advice)
		},
	}
}

// secret is a setting that must have a value, which is never printed.
func secret(name, effect string, field func(*Config) *string) Setting {
	return Setting{
		Name: name, Type: "text", Default: "required by `offsite`", Secret: true, Effect: effect, fallback: constant(""),
		set: func(c *Config, text string) error {
			if *field(c) = text; text == "" {
				return fmt.Errorf("is missing; set it, or set %s%s to the path of a file that has it", name, fileSuffix)
			}
			return nil
		},
	}
}

func setBackupsDir(c *Config, dir string) error {
	c.Offsite.BackupsDir = dir
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("there is no folder %s", dir)
	}
	return nil
}

func setEndpoint(c *Config, text string) error {
	if text == "" {
		return errors.New("is missing; set it to an address such as https://s3.eu-central-1.amazonaws.com")
	}
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%q is not an address such as https://s3.eu-central-1.amazonaws.com", text)
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return errors.New("has more than scheme, host and port; the bucket's name is S3_BUCKET, and the keys are S3_ACCESS_KEY and S3_SECRET_KEY")
	}
	c.Offsite.Endpoint = u
	return nil
}

// setRecipients never prints the text: somebody may have set the private key here.
func setRecipients(c *Config, text string) error {
	switch text {
	case "":
		return errors.New("is missing; set it to the public key that `agenthq offsite keygen` prints, or to none if the copies must not be encrypted")
	case noEncryption:
		return nil
	}
	if strings.Contains(strings.ToUpper(text), "AGE-SECRET-KEY-") {
		return errors.New("has a private key; set it to the public key, which begins with age1, and keep the private key off this server")
	}
	found, err := age.ParseRecipients(strings.NewReader(strings.Join(strings.Fields(text), "\n")))
	if err != nil {
		return errors.New("has something that is no public key of age, which begins with age1")
	}
	c.Offsite.Recipients = found
	return nil
}
