package repository_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestDeploymentsWaitForTheTestsAndForTheStackBefore(t *testing.T) {
	up := jobs(t)["main.yaml/up"].text
	assert.Regexp(t, `(?m)^needs: test$`, up)
	assert.Contains(t, up, "max-parallel: 1")
	assert.Contains(t, up, "fail-fast: true")
}

func TestFailedPlansAndPreviewsAreUploadedForTheComment(t *testing.T) {
	for _, name := range []string{"preview.yaml/preview", "pull-request.yaml/plan"} {
		steps := jobs(t)[name].Steps
		assert.Equal(t, "always()", steps[len(steps)-1].If, name)
	}
}
