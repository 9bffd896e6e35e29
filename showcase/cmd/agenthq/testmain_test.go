package main

import (
	"os"
	"testing"

	"github.com/genericcorp/platform/showcase/internal/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
