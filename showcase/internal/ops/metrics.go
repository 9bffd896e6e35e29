// Package ops is what operators see of the process: metrics, logs, health, and how it ends.
package ops

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/genericcorp/platform/showcase/internal/migrate"
	"github.com/genericcorp/platform/showcase/internal/tenants"
)

// Event is something that members or agents did.
type Event string

// The events of app_events_total. The list is fixed, so that the number of series is limited.
const (
	RunStarted      Event = "run_started"
	RunSucceeded    Event = "run_succeeded"
	RunFailed       Event = "run_failed"
	RunCanceled     Event = "run_canceled"
	EventsReported  Event = "events_reported"
	KeyCreated      Event = "key_created"
	KeyRevoked      Event = "key_revoked"
	MemberInvited   Event = "member_invited"
	MemberJoined    Event = "member_joined"
	MemberRemoved   Event = "member_removed"
	PasswordChanged Event = "password_changed"
	Exported        Event = "exported"
	FeedbackSent    Event = "feedback_sent"
	DemoReset       Event = "demo_reset"
)

// Metrics are the metrics of one process.
type Metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	duration *prometheus.HistogramVec
	streams  prometheus.Gauge
	logins   *prometheus.CounterVec
	failures *prometheus.CounterVec
	events   *prometheus.CounterVec
}

// NewMetrics returns the metrics of a process. version is the program's version.
func NewMetrics(version string, pools *tenants.Pools, runner *migrate.Runner) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests by route, method and status."}, []string{"route", "method", "code"}),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "http_request_duration_seconds", Help: "Duration of requests, without live streams.",
			Buckets: []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10}}, []string{"route", "method"}),
		streams:  prometheus.NewGauge(prometheus.GaugeOpts{Name: "app_live_streams", Help: "Live streams that are open."}),
		logins:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "app_logins_total", Help: "Successful sign-ins."}, []string{"tenant"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "app_login_failures_total", Help: "Refused sign-ins."}, []string{"tenant"}),
		events:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "app_events_total", Help: "What members and agents did."}, []string{"tenant", "event"}),
	}
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "app_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": version}})
	info.Set(1)
	m.registry.MustRegister(m.requests, m.duration, m.streams, m.logins, m.failures, m.events, info, stateCollector{pools, runner},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler serves the metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Count counts n events of a tenant.
func (m *Metrics) Count(tenant string, e Event, n int) {
	m.events.WithLabelValues(tenant, string(e)).Add(float64(n))
}

// Login counts a sign-in, or a refused one.
func (m *Metrics) Login(tenant string, ok bool) {
	if ok {
		m.logins.WithLabelValues(tenant).Inc()
		return
	}
	m.failures.WithLabelValues(tenant).Inc()
}

// Stream counts a live stream until the returned function is called.
func (m *Metrics) Stream() func() {
	m.streams.Inc()
	return m.streams.Dec
}

func (m *Metrics) request(i *Info, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(i.Route, method, strconv.Itoa(status)).Inc()
	if !i.Stream {
		m.duration.WithLabelValues(i.Route, method).Observe(took.Seconds())
	}
}

var (
	poolOpen    = prometheus.NewDesc("app_db_connections", "Connections of the tenant's pool.", []string{"tenant", "state"}, nil)
	poolAcquire = prometheus.NewDesc("app_db_acquires_total", "Transactions that got a connection.", []string{"tenant"}, nil)
	poolWait    = prometheus.NewDesc("app_db_waits_total", "Transactions that had to wait for a connection.", []string{"tenant"}, nil)
	poolGiveUp  = prometheus.NewDesc("app_db_wait_failures_total", "Transactions that waited too long for a connection.", []string{"tenant"}, nil)
	poolConnect = prometheus.NewDesc("app_db_connects_total", "Connections that were opened.", []string{"tenant"}, nil)
	migrated    = prometheus.NewDesc("app_migration_ok", "1 if the tenant's schema is migrated, 0 if the last run failed.", []string{"tenant"}, nil)
	version     = prometheus.NewDesc("app_migration_version", "Version of the tenant's schema.", []string{"tenant"}, nil)
)

// stateCollector reads the figures of pools and migrations when they are asked for.
type stateCollector struct {
	pools  *tenants.Pools
	runner *migrate.Runner
}

// Describe implements prometheus.Collector.
func (c stateCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{poolOpen, poolAcquire, poolWait, poolGiveUp, poolConnect, migrated, version} {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (c stateCollector) Collect(out chan<- prometheus.Metric) {
	for tenant, s := range c.pools.Stats() {
		out <- prometheus.MustNewConstMetric(poolOpen, prometheus.GaugeValue, float64(s.IdleConns()), tenant, "idle")
		out <- prometheus.MustNewConstMetric(poolOpen, prometheus.GaugeValue, float64(s.AcquiredConns()), tenant, "used")
		for desc, n := range map[*prometheus.Desc]int64{
			poolAcquire: s.AcquireCount(), poolWait: s.EmptyAcquireCount(), poolGiveUp: s.CanceledAcquireCount(), poolConnect: s.NewConnsCount(),
		} {
			out <- prometheus.MustNewConstMetric(desc, prometheus.CounterValue, float64(n), tenant)
		}
	}
	states, _ := c.runner.States()
	for _, s := range states {
		ok := 0.0
		if s.Migrated() {
			ok = 1
		}
		out <- prometheus.MustNewConstMetric(migrated, prometheus.GaugeValue, ok, s.Tenant)
		out <- prometheus.MustNewConstMetric(version, prometheus.GaugeValue, float64(s.Version), s.Tenant)
	}
}
