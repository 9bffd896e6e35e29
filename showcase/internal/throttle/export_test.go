package throttle

// Size returns the number of buckets.
func Size(b *Buckets) int { return len(b.buckets) }
