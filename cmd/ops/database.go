package main

import (
	"cmp"
	"context"
	"errors"
	"os"
	"time"

	"github.com/jackc/pgx/v5"
)

// envHost is the variable of libpq with the database's host.
const envHost = "PGHOST"

// missingHost returns an error if the environment does not say where the database is.
func missingHost() error {
	if os.Getenv(envHost) == "" {
		return errors.New(envHost + " is not set; docs/operations.md (Connect to the database as the administrator) has the commands that set it and the other variables of the connection")
	}
	return nil
}

// administrator connects to the database that libpq's variables name. The session cannot write.
func administrator(ctx context.Context) (*pgx.Conn, error) {
	if err := missingHost(); err != nil {
		return nil, badInput(err)
	}
	config, err := pgx.ParseConfig("")
	if err != nil {
		return nil, badInput(err)
	}
	config.ConnectTimeout = cmp.Or(config.ConnectTimeout, 15*time.Second)
	config.RuntimeParams["application_name"] = "platform-ops"
	config.RuntimeParams["default_transaction_read_only"] = "on"
	config.RuntimeParams["statement_timeout"] = "60s"
	return pgx.ConnectConfig(ctx, config)
}
