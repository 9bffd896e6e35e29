package load

import (
	"errors"
	"fmt"
	"math"
)

// Measurement is a run of k6, and what the app used in it.
type Measurement struct {
	Summary
	Usage
}

// Factors are the figures that internal/workload/capacity.go needs, rounded up.
type Factors struct {
	// RequestsPerUserMilli is the requests a second of one person, in thousandths.
	RequestsPerUserMilli int
	// MilliCPUPerRequest is the CPU for one request a second, in thousandths of a core. That is
	// the same number as the milliseconds of CPU for one request.
	MilliCPUPerRequest int
	// BaseMiB is the memory of a replica without people. KiBPerUser is added for each person.
	BaseMiB, KiBPerUser int
	// Connections is the most database connections of the tenants at once.
	Connections int
	// BytesPerResponse is what a response takes on the network, on average.
	BytesPerResponse int
}

// FactorsOf returns the factors of runs with different numbers of people. It takes the highest rate,
// CPU and size of all runs. It returns an error if there are fewer than two numbers of people,
// because one cannot be split into base and growth.
func FactorsOf(runs []Measurement) (Factors, error) {
	var f Factors
	var points []point
	for _, m := range runs {
		if m.Total.Requests == 0 || m.PersonSeconds == 0 || m.Replicas == 0 {
			return Factors{}, fmt.Errorf("the run with %d people has no requests, no time or no replicas", m.People)
		}
		f.RequestsPerUserMilli = max(f.RequestsPerUserMilli, up(1000*m.RequestsPerPersonSecond()))
		f.MilliCPUPerRequest = max(f.MilliCPUPerRequest, up(m.MilliCPUPerRequest()))
		f.Connections = max(f.Connections, m.Connections)
		f.BytesPerResponse = max(f.BytesPerResponse, up(m.BytesPerResponse()))
		points = append(points, point{float64(m.People) / float64(m.Replicas), m.PeakBytes})
	}
	base, slope, err := memoryLine(points)
	f.BaseMiB, f.KiBPerUser = up(base/(1<<20)), up(slope/(1<<10))
	return f, err
}

// MilliCPUPerRequest returns the milliseconds of CPU for one request. What the app does beside
// requests, such as live streams and migrations, is in it.
func (m Measurement) MilliCPUPerRequest() float64 {
	return ratio(1000*m.CPUSeconds, float64(m.Total.Requests))
}

// point is the people of a replica, and its memory in bytes.
type point struct{ people, bytes float64 }

// memoryLine returns a line base + slope × people that no point is above. Its slope is that of the
// least squares, and not below 0: a process that used less memory with more people used it by chance.
func memoryLine(points []point) (base, slope float64, err error) {
	var n, x, y, xx, xy float64
	for _, p := range points {
		n, x, y, xx, xy = n+1, x+p.people, y+p.bytes, xx+p.people*p.people, xy+p.people*p.bytes
	}
	spread := n*xx - x*x
	if spread <= 0 {
		return 0, 0, errors.New("the factors need runs with at least two different numbers of people")
	}
	slope = max(0, (n*xy-x*y)/spread)
	base = math.Inf(-1)
	for _, p := range points {
		base = max(base, p.bytes-slope*p.people)
	}
	return base, slope, nil
}

// up rounds up. The small number keeps an error of the floating point from counting as one more.
func up(n float64) int { return int(math.Ceil(n - 1e-9)) }
