package web

import "sync"

// maxSending is how many bytes of pages are sent to the clients of one tenant at once. A page is in
// memory until its client has read it, and a slow client may take half a minute.
const maxSending = 8 << 20

// sending counts the bytes of pages that are being sent, for each tenant.
type sending struct {
	mu    sync.Mutex
	bytes map[string]int
}

// enter adds a page of n bytes, and returns a function that removes it. It reports false if there are
// too many bytes. One page may always be sent.
func (s *sending) enter(tenant string, n int) (leave func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := s.bytes[tenant]; now > 0 && now+n > maxSending {
		return nil, false
	}
	s.bytes[tenant] += n
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.bytes[tenant] -= n; s.bytes[tenant] == 0 {
			delete(s.bytes, tenant)
		}
	}, true
}
