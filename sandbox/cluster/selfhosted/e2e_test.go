package selfhosted_test

import (
	"testing"
)

func TestSelfHosted(t *testing.T) {
	s := newServer(t)
	s.buildImage(t)
	t.Log(s.Docker(t, "images"))
	t.Log(s.run(t, "up", "--detach", "--wait"))
	t.Log(s.run(t, "ps", "--all"))
	t.Log(s.run(t, "logs", "--no-color"))
}
