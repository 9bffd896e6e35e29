package repository_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A job that waits for its reviewer keeps its workflow from ending, and only the
// end of a workflow starts the comment.
func TestThePlansCommentDoesNotWaitForAnEnvironment(t *testing.T) {
	all := workflows(t)
	for name, j := range all["pull-request.yaml"].Jobs {
		assert.Empty(t, j.Environment, name)
		assert.NotContains(t, j.text, "secrets", name)
	}
	assert.Contains(t, all["pull-request.yaml"].Jobs, "plan")
	assert.Empty(t, all["pull-request.yaml"].Jobs["plan"].If)
}

func TestTheCommentFollowsThePlanAndThePreview(t *testing.T) {
	all := workflows(t)
	on, ok := all["comment.yaml"].On.(map[string]any)
	require.True(t, ok)
	assert.Equal(t, map[string]any{
		"workflows": []any{all["pull-request.yaml"].Name, all["preview.yaml"].Name},
		"types":     []any{"completed"},
	}, on["workflow_run"])
	assert.Contains(t, all["comment.yaml"].Jobs["comment"].If, "github.event.workflow_run.conclusion != 'skipped'",
		"a preview that was not run left no comment")
}
