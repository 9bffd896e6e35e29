package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestStackNamesAreNoPaths(t *testing.T) {
	for name, valid := range map[string]bool{
		"demo": true, "prod-2": true, "": false, "..": false, "../victim": false, "a/b": false, "/tmp": false, "-demo": false, "demo\n": false,
	} {
		assert.Equal(t, valid, stackName.MatchString(name), "%q", name)
	}
}
