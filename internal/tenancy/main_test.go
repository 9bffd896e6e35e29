package tenancy_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// envCloud is a variable with the path of the Unix socket of a test's cloud. If it is set,
// this process simulates a command of a runbook: doctl, kubectl, pulumi, curl, or a program
// of PostgreSQL.
const envCloud = "RUNBOOK_CLOUD"

// testsPerCore is the number of tests that run at the same time for each core. With three, the
// tests use both cores of a small machine most of the time.
const testsPerCore = 3

// call is one command that a runbook ran.
type call struct {
	Program string
	Args    []string
	// Port is PGPORT, the port of the PostgreSQL that the command connects to; may be empty.
	Port string
}

// reply tells the command what to do. If Exec is not empty, the process becomes that program.
// Otherwise it prints Out and Err, and exits with the status Code.
type reply struct {
	Exec, Out, Err string
	Code           int
}

// TestMain runs the tests. If a runbook's shell started this binary under the name of a
// command, TestMain asks the test that started the shell for a reply.
func TestMain(m *testing.M) {
	if socket := os.Getenv(envCloud); socket != "" {
		code, err := command(socket)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(code)
	}
	if err := runMore(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// runMore raises the number of tests that run at the same time, unless the flag -parallel sets
// it. These tests mostly wait: for a timeout of PostgreSQL, or for another program.
func runMore() error {
	flag.Parse()
	chosen := false
	flag.Visit(func(f *flag.Flag) { chosen = chosen || f.Name == "test.parallel" })
	if chosen {
		return nil
	}
	return flag.Set("test.parallel", strconv.Itoa(testsPerCore*runtime.GOMAXPROCS(0)))
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

// link creates links to this binary in a folder, with the names of commands.
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

// serve answers the commands of a runbook, one at a time, until the listener is closed.
func serve(listener net.Listener, answer func(call) reply) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return // the test is over
		}
		var c call
		if json.NewDecoder(conn).Decode(&c) == nil {
			_ = json.NewEncoder(conn).Encode(answer(c)) // fails if the command was killed
		}
		_ = conn.Close()
	}
}

// shell runs a script in bash, and returns its output. bash stops at the first command that
// fails.
func shell(script, socket, path, folder string) (string, error) {
	cmd := exec.Command("bash", "-e", "-u", "-c", script)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), "TMPDIR="+folder, "PATH="+path+":"+os.Getenv("PATH"), envCloud+"="+socket)
	out, err := cmd.CombinedOutput()
	return string(out), err
}
