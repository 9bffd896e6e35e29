// Command standin takes the place of a program that cannot run on this machine. It answers 200
// to every request on the TCP ports in its arguments, so that probes pass, and ends on SIGTERM.
// Arguments that are no port are those of the other program. With --exit it succeeds at once. With
// --metrics and --dashboards before the ports it shows the dashboards in a folder, with links to the
// interface of VictoriaMetrics.
package main

import (
	"fmt"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	page, metrics := []byte("ok\n"), ""
	for _, arg := range os.Args[1:] {
		if arg == "--exit" {
			return
		}
		if url, ok := strings.CutPrefix(arg, "--metrics="); ok {
			metrics = url
		}
		if folder, ok := strings.CutPrefix(arg, "--dashboards="); ok {
			page = index(metrics, folder)
		}
		if port, err := strconv.Atoi(arg); err == nil {
			go serve(port, page)
		}
	}
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM, syscall.SIGINT)
	<-stop
}

func serve(port int, page []byte) {
	server := http.Server{Addr: fmt.Sprintf(":%d", port), ReadHeaderTimeout: 10 * time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(page) // fails only if the client closed the connection
	})}
	fmt.Fprintln(os.Stderr, "standin:", server.ListenAndServe())
	os.Exit(1)
}
