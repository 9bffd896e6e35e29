package machine

import "net"

// FreePorts returns n different TCP ports of 127.0.0.1 that no program uses now.
func FreePorts(n int) ([]int, error) {
	var out []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close() //nolint:errcheck // nothing was sent
		out = append(out, listener.Addr().(*net.TCPAddr).Port)
	}
	return out, nil
}
