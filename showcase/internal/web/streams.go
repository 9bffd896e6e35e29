package web

import (
	"context"
	"sync"
)

// maxStreams is the number of live streams of one replica, and tenantStreams that of one tenant.
const maxStreams, tenantStreams = 500, 100

// streams has the live streams of each tenant.
type streams struct {
	mu    sync.Mutex
	total int
	open  map[string]map[*live]bool
}

// live is one live stream.
type live struct {
	// address is that of the client.
	address string
	end     context.CancelFunc
}

// enter adds a stream that end ends, and returns a function that removes it. It reports false if there
// are too many. If the tenant has too many, a stream of the address with the most ones ends for it, so
// that one visitor does not take all of them.
func (s *streams) enter(tenant, address string, end context.CancelFunc) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.open[tenant]) >= tenantStreams {
		other := excess(s.open[tenant], address)
		if other == nil {
			return nil, false
		}
		s.remove(tenant, other)
		other.end()
	}
	if s.total >= maxStreams {
		return nil, false
	}
	if s.open[tenant] == nil {
		s.open[tenant] = map[*live]bool{}
	}
	l := &live{address, end}
	s.open[tenant][l] = true
	s.total++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.remove(tenant, l)
	}, true
}

// remove removes a stream if it is still there.
func (s *streams) remove(tenant string, l *live) {
	if !s.open[tenant][l] {
		return
	}
	s.total--
	if delete(s.open[tenant], l); len(s.open[tenant]) == 0 {
		delete(s.open, tenant)
	}
}

// excess returns a stream of the address that has the most ones. It is nil if a new stream of address
// would make no address have fewer.
func excess(open map[*live]bool, address string) *live {
	counts := map[string]int{}
	var most *live
	for l := range open {
		counts[l.address]++
		if most == nil || counts[l.address] > counts[most.address] {
			most = l
		}
	}
	if counts[most.address] <= counts[address]+1 {
		return nil
	}
	return most
}
