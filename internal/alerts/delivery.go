package alerts

import (
	"path"

	"go.yaml.in/yaml/v3"
)

// Names of the files with secrets that Alertmanager reads when it sends a message.
const (
	WebhookFile   = "webhook-url"
	PasswordFile  = "smtp-password"
	HeartbeatFile = "heartbeat-url"
)

// Slack is the value of Delivery.Webhook for messages in Slack's form.
const Slack = "slack"

// Delivery has the receivers of messages. The zero value has none.
type Delivery struct {
	// Webhook is Slack, or "json" for Alertmanager's own form; empty is no webhook. Its
	// address is in WebhookFile.
	Webhook string
	// To, From, Server ("host:port") and User are those of an e-mail; To is empty without
	// one. The password is in PasswordFile.
	To, From, Server, User string
	// QuietFrom and QuietTo are the times (UTC, "22:00") between which warnings wait; empty
	// is never.
	QuietFrom, QuietTo string
	// Heartbeat sends Heartbeat every minute to the address in HeartbeatFile.
	Heartbeat bool
}

type object = map[string]any

// Names in the configuration of Alertmanager.
const (
	none       = "none"
	people     = "people"
	heartbeats = "heartbeats"
	quietHours = "quiet-hours"
)

// File returns the configuration of Alertmanager for the rules of a stack. folder is the
// folder of the files with secrets.
func (d Delivery) File(s Stack, folder string) string {
	config := object{
		"route": d.route(), "receivers": d.receivers(folder), "inhibit_rules": inhibitions(Rules(s)),
	}
	if d.QuietFrom != "" {
		config["time_intervals"] = []object{{"name": quietHours, "time_intervals": []object{{"times": times(d.QuietFrom, d.QuietTo)}}}}
	}
	out, err := yaml.Marshal(config)
	if err != nil {
		// The encoder cannot fail on maps of strings.
		panic(err)
	}
	return string(out)
}

// route sends one message for all alerts of one name. It repeats a page after four hours and a
// warning after a day, as long as the alert fires.
func (d Delivery) route() object {
	receiver := none
	if d.Webhook != "" || d.To != "" {
		receiver = people
	}
	heartbeat := object{"matchers": []string{`alertname="` + Heartbeat + `"`}, "receiver": none}
	if d.Heartbeat {
		// Alertmanager compares repeat_interval with the end of the last message, so with 1m it
		// would skip each second one.
		heartbeat["receiver"], heartbeat["group_wait"], heartbeat["group_interval"], heartbeat["repeat_interval"] = heartbeats, "0s", "1m", "50s"
	}
	warnings := object{"matchers": []string{`severity="` + string(Warning) + `"`}, "repeat_interval": "24h"}
	if d.QuietFrom != "" {
		warnings["mute_time_intervals"] = []string{quietHours}
	}
	return object{
		"receiver": receiver, "group_by": []string{"alertname"}, "group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h",
		"routes": []object{heartbeat, warnings},
	}
}

const (
	title = `{{ if eq .Status "firing" }}{{ .CommonLabels.severity }}{{ else }}resolved{{ end }}: {{ .CommonLabels.alertname }}`
	lines = "{{ range .Alerts }}{{ .Status }}: {{ .Annotations.summary }}\n{{ end }}{{ with index .Alerts 0 }}{{ .Annotations.runbook }}{{ end }}"
)

func (d Delivery) receivers(folder string) []object {
	out := object{"name": people}
	switch {
	case d.Webhook == Slack:
		out["slack_configs"] = []object{{
			"api_url_file": path.Join(folder, WebhookFile), "send_resolved": true, "title": title, "text": lines, "title_link": "", "fallback": title,
		}}
	case d.Webhook != "":
		out["webhook_configs"] = []object{{"url_file": path.Join(folder, WebhookFile), "send_resolved": true}}
	}
	if d.To != "" {
		user := d.User
		if user == "" {
			user = d.From
		}
		out["email_configs"] = []object{{
			"to": d.To, "from": d.From, "smarthost": d.Server, "auth_username": user, "auth_password_file": path.Join(folder, PasswordFile),
			"require_tls": true, "send_resolved": true, "headers": object{"Subject": title}, "html": "", "text": lines,
		}}
	}
	return []object{
		{"name": none}, out,
		{"name": heartbeats, "webhook_configs": d.heartbeat(folder)},
	}
}

func (d Delivery) heartbeat(folder string) []object {
	if !d.Heartbeat {
		return []object{}
	}
	return []object{{"url_file": path.Join(folder, HeartbeatFile), "send_resolved": false}}
}

// times returns a time of the day as Alertmanager's ranges, which cannot pass midnight.
func times(from, to string) []object {
	if from < to {
		return []object{{"start_time": from, "end_time": to}}
	}
	out := []object{{"start_time": from, "end_time": "24:00"}}
	if to != "00:00" {
		out = append(out, object{"start_time": "00:00", "end_time": to})
	}
	return out
}

// inhibitions returns the causes of all rules in the form of Alertmanager.
func inhibitions(rules []Rule) []object {
	var out []object
	for _, r := range rules {
		for _, cause := range r.MutedBy {
			out = append(out, object{
				"source_matchers": []string{`alertname="` + cause.Name + `"`}, "target_matchers": []string{`alertname="` + r.Name + `"`},
				"equal": append([]string{}, cause.Labels...),
			})
		}
	}
	return out
}
