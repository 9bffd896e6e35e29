package monitoring

import (
	"errors"
	"fmt"

	corev1 "github.com/pulumi/pulumi-kubernetes/sdk/v4/go/kubernetes/core/v1"
	"github.com/pulumi/pulumi/sdk/v3/go/pulumi"

	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/kube"
	"github.com/genericcorp/platform/internal/workload"
)

// Alerts has what the rules compare with, and the receivers of messages. Without Webhook and Email
// no message is sent; the metric ALERTS still has the alerts.
type Alerts struct {
	// AvailabilityPercent is the least share of requests without a server error. LatencyMillis
	// is the time within which 95 % must be answered; the ingress controller must count it
	// (settings.Latencies). Both are required.
	AvailabilityPercent float64
	LatencyMillis       int
	// Webhook is the form of messages to WebhookURL: "slack", or "json" for Alertmanager's own;
	// empty is no webhook.
	Webhook string
	// Email is an e-mail with the password EmailPassword; To is empty without one.
	Email AlertEmail
	// QuietFrom and QuietTo are the times (UTC, "22:00") between which warnings wait; empty is
	// never.
	QuietFrom, QuietTo string
	// WebhookURL, EmailPassword and HeartbeatURL are secrets. HeartbeatURL gets a message every
	// minute. Each may be nil if it is not used.
	WebhookURL, EmailPassword, HeartbeatURL pulumi.StringInput
}

// Costs is what the dashboard Money shows and what an alert compares with what runs. All amounts are
// cents a month.
type Costs struct {
	// Bill has the lines of the bill; empty is a stack without one. LimitCents is the most that
	// it may be.
	Bill       []BillLine
	LimitCents int
	// MoreTenants is how many more tenants fit. StepCents is how much more the sizes for the next
	// one cost.
	MoreTenants, StepCents int
	// IncludedGiB is the outbound traffic a month that the price of the nodes includes; 0 is
	// unknown.
	IncludedGiB int
}

// BillLine is one line of a bill. Items named "nodes", "load balancer" and "volumes (GiB)" are
// compared with what runs.
type BillLine struct {
	Item                string
	UnitCents, Quantity int
}

// AlertEmail is an e-mail. Server is "host:port", Port its port. An empty User is From.
type AlertEmail struct {
	To, From, Server, User string
	Port                   int
}

func (a Alerts) validate() error {
	var errs []error
	if a.AvailabilityPercent <= 0 || a.AvailabilityPercent >= 100 {
		errs = append(errs, fmt.Errorf("alerts.availabilityPercent: %v is not between 0 and 100", a.AvailabilityPercent))
	}
	if a.LatencyMillis < 1 {
		errs = append(errs, errors.New("alerts.latencyMillis: is missing"))
	}
	if a.Webhook != "" {
		errs = append(errs, kube.Required("alerts.webhookURL", a.WebhookURL))
	}
	if a.Email.To != "" {
		errs = append(errs, kube.Required("alerts.emailPassword", a.EmailPassword))
	}
	return errors.Join(errs...)
}

// peers returns where vmalert and Alertmanager may connect to.
func (a Alerts) peers() []kube.Peer {
	out := []kube.Peer{kube.PeerOf(workload.VictoriaMetrics, portStore)}
	if a.Webhook != "" || a.HeartbeatURL != nil {
		out = append(out, kube.HTTPS)
	}
	if a.Email.To != "" {
		out = append(out, kube.Peer{Ports: []int{a.Email.Port}})
	}
	return out
}

// secret has the files of alerts.Delivery. Alertmanager reads them for each message, so a
// change needs no restart.
func (a Alerts) secret() *corev1.SecretArgs {
	data := pulumi.StringMap{}
	for key, value := range map[string]pulumi.StringInput{
		alerts.WebhookFile: a.WebhookURL, alerts.PasswordFile: a.EmailPassword, alerts.HeartbeatFile: a.HeartbeatURL,
	} {
		if value != nil {
			data[key] = value
		}
	}
	args := &corev1.SecretArgs{Metadata: kube.Meta(workload.VMAlert, workload.VMAlert.Name)}
	// The API server does not store an empty map, so every preview would show one as a
	// change (seen with pulumi-kubernetes 4.33).
	if len(data) > 0 {
		args.StringData = pulumi.ToSecret(data).(pulumi.StringMapOutput)
	}
	return args
}

// rules returns what the rules and the dashboards must know of the stack.
func (a Args) rules() alerts.Stack {
	costs := alerts.Costs{
		Limit: budget.Cents(a.Costs.LimitCents), MoreTenants: a.Costs.MoreTenants, Step: budget.Cents(a.Costs.StepCents),
		IncludedGiB: a.Costs.IncludedGiB,
	}
	for _, line := range a.Costs.Bill {
		costs.Bill = append(costs.Bill, budget.Line{Item: line.Item, Unit: budget.Cents(line.UnitCents), Quantity: line.Quantity})
	}
	return alerts.Stack{
		AvailabilityPercent: a.Alerts.AvailabilityPercent, LatencyMillis: a.Alerts.LatencyMillis, Nodes: a.PlannedNodes, Costs: costs,
	}
}

// alertFiles are the files of vmalert and of Alertmanager, by their names.
func (a Args) alertFiles() map[string]string {
	of, email := a.rules(), a.Alerts.Email
	delivery := alerts.Delivery{
		Webhook: a.Alerts.Webhook, To: email.To, From: email.From, Server: email.Server, User: email.User,
		QuietFrom: a.Alerts.QuietFrom, QuietTo: a.Alerts.QuietTo, Heartbeat: a.Alerts.HeartbeatURL != nil,
	}
	return map[string]string{"rules.yaml": alerts.File(of), "alertmanager.yaml": delivery.File(of, secretsPath)}
}
