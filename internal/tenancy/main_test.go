package tenancy_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// envCloud is the Unix socket of a test's cloud. A process that has it is a
// command of a runbook: doctl, kubectl, pulumi, curl, or a program of PostgreSQL.
const envCloud = "RUNBOOK_CLOUD"

// call is one command that a runbook ran.
type call struct {
	Program string
	Args    []string
	// Port is PGPORT: which server the command talks to. Empty for none.
	Port string
}

// reply is what the command does. Exec is a program that it becomes, empty for
// none; otherwise it prints Out and Err and ends with Code.
type reply struct {
	Exec, Out, Err string
	Code           int
}

// TestMain runs the tests. When a runbook's shell starts this binary under the
// name of a command, it asks the test that started the shell what to do.
func TestMain(m *testing.M) {
	if socket := os.Getenv(envCloud); socket != "" {
		code, err := command(socket)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func command(socket string) (int, error) {
	c := call{Program: filepath.Base(os.Args[0]), Args: os.Args[1:], Port: os.Getenv("PGPORT")}
	conn, err := net.Dial("unix", socket)
	if err != nil {
		return 1, err
	}
	defer conn.Close()
	if err := json.NewEncoder(conn).Encode(c); err != nil {
		return 1, err
	}
	var r reply
	if err := json.NewDecoder(conn).Decode(&r); err != nil {
		return 1, err
	}
	if r.Exec != "" {
		return 1, syscall.Exec(r.Exec, append([]string{r.Exec}, c.Args...), os.Environ())
	}
	fmt.Print(r.Out)
	fmt.Fprint(os.Stderr, r.Err)
	return r.Code, nil
}

// link puts this binary into a folder under the names of commands.
func link(folder string, programs ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	for _, program := range programs {
		if err := os.Symlink(self, filepath.Join(folder, program)); err != nil {
			return err
		}
	}
	return nil
}

// serve answers the commands of a runbook, one at a time, until the listener ends.
func serve(listener net.Listener, answer func(call) reply) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // the test is over
		}
		var c call
		if json.NewDecoder(conn).Decode(&c) == nil {
			_ = json.NewEncoder(conn).Encode(answer(c)) // a command that was killed reads nothing
		}
		_ = conn.Close()
	}
}

// shell runs a script in bash, which stops at the first command that fails. It
// returns what was printed.
func shell(script, socket, path, folder string) (string, error) {
	cmd := exec.Command("bash", "-e", "-u", "-c", script)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "TMPDIR="+folder, "PATH="+path+":"+os.Getenv("PATH"), envCloud+"="+socket)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
