package repository_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The end of the workflow starts the comment, and a job that waits for a reviewer delays
// that end.
func TestPullRequestJobsHaveNoEnvironmentAndNoSecrets(t *testing.T) {
	all := workflows(t)
	for name, j := range all["pull-request.yaml"].Jobs {
		assert.Empty(t, j.Environment, name)
		assert.NotContains(t, j.text, "secrets", name)
	}
	assert.Contains(t, all["pull-request.yaml"].Jobs, "plan")
	assert.Empty(t, all["pull-request.yaml"].Jobs["plan"].If)
}

func TestCommentWorkflowRunsAfterThePlanAndThePreview(t *testing.T) {
	all := workflows(t)
	on, ok := all["comment.yaml"].On.(map[string]any)
	require.True(t, ok)
	assert.Equal(t, map[string]any{
		"workflows": []any{all["pull-request.yaml"].Name, all["preview.yaml"].Name},
		"types":     []any{"completed"},
	}, on["workflow_run"])
	assert.Contains(t, all["comment.yaml"].Jobs["comment"].If, "github.event.workflow_run.conclusion != 'skipped'",
		"a skipped preview has no comment to post")
}
