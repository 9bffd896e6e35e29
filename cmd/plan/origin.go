package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/genericcorp/platform/internal/lifecycle"
	"github.com/genericcorp/platform/internal/settings"
)

// origin is what the plans are compared with.
type origin struct {
	// base is a git revision, deployed a file with the outputs of one stack. Each may be empty.
	base, deployed string
}

// outputs are the outputs of a stack, as "pulumi stack output --json" prints them.
type outputs struct {
	// Sizes is the output stacks.OutputSizes.
	Sizes map[string]any `json:"sizes"`
}

// running returns the sizes of the file deployed, or nil without one.
func (o origin) running(stacks []string) (*lifecycle.Sizes, error) {
	if o.deployed == "" {
		return nil, nil
	}
	if len(stacks) != 1 {
		return nil, errors.New("-deployed is for one stack; name it")
	}
	text, err := settings.ReadFile(o.deployed)
	if err != nil {
		return nil, fmt.Errorf("-deployed: %w", err)
	}
	var found outputs
	if err := json.Unmarshal(text, &found); err != nil {
		return nil, fmt.Errorf("-deployed %s: %w; write it with: pulumi stack output --json -s %s", o.deployed, err, stacks[0])
	}
	if found.Sizes == nil {
		return nil, fmt.Errorf("-deployed %s: has no output \"sizes\"; the first update writes it", o.deployed)
	}
	sizes, err := lifecycle.DecodeSizes(found.Sizes)
	if err != nil {
		return nil, fmt.Errorf("-deployed %s: the output sizes: %w", o.deployed, err)
	}
	return &sizes, nil
}
