// Package throttle limits how often something may happen for each key, such as an address. The
// figures are kept in the memory of one process.
package throttle

import (
	"math"
	"sync"
	"time"
)

// maxKeys limits the memory. A full bucket is forgotten first.
const maxKeys = 20_000

// Buckets has a token bucket for each key.
type Buckets struct {
	now func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	tokens, rate, burst float64
	at                  time.Time
}

// New returns Buckets that are all full. now is time.Now, or a replacement in tests.
func New(now func() time.Time) *Buckets {
	return &Buckets{now: now, buckets: map[string]bucket{}}
}

// Result is the state of a bucket after Take.
type Result struct {
	// OK is false when the bucket was empty.
	OK bool
	// Remaining is the number of tokens that are left.
	Remaining int
	// Wait is the time until the next token, at least one second; 0 if there are tokens left.
	Wait time.Duration
}

// Take takes a token from the bucket of a key. rate is the tokens a second that come back, and
// burst is the size of the bucket.
func (b *Buckets) Take(key string, rate float64, burst int) Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	k := b.fill(key, rate, float64(burst))
	ok := k.tokens >= 1
	if ok {
		k.tokens--
	}
	b.put(key, k)
	r := Result{OK: ok, Remaining: int(k.tokens)}
	if k.tokens < 1 {
		r.Wait = time.Duration(math.Ceil((1-k.tokens)/rate)) * time.Second
	}
	return r
}

// GiveBack returns a token that Take took.
func (b *Buckets) GiveBack(key string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if k, ok := b.buckets[key]; ok {
		k.tokens = min(k.burst, k.tokens+1)
		b.buckets[key] = k
	}
}

func (b *Buckets) fill(key string, rate, burst float64) bucket {
	k, ok := b.buckets[key]
	if !ok {
		return bucket{tokens: burst, rate: rate, burst: burst, at: b.now()}
	}
	return refill(k, b.now())
}

func refill(k bucket, now time.Time) bucket {
	k.tokens = min(k.burst, k.tokens+now.Sub(k.at).Seconds()*k.rate)
	k.at = now
	return k
}

// put stores a bucket. When there are too many keys, full buckets are forgotten: they are like
// new ones. If no bucket is full, any one is forgotten.
func (b *Buckets) put(key string, k bucket) {
	if _, ok := b.buckets[key]; !ok && len(b.buckets) >= maxKeys {
		for other, o := range b.buckets {
			if refill(o, b.now()).tokens >= o.burst {
				delete(b.buckets, other)
			}
		}
		for other := range b.buckets {
			if len(b.buckets) < maxKeys {
				break
			}
			delete(b.buckets, other)
		}
	}
	b.buckets[key] = k
}
