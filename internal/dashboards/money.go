package dashboards

import (
	"github.com/genericcorp/platform/internal/alerts"
	"github.com/genericcorp/platform/internal/budget"
	"github.com/genericcorp/platform/internal/catalog"
	"github.com/genericcorp/platform/internal/usage"
)

// money is for the owner: what is paid, does it match what runs, and who causes it.
func money(s alerts.Stack) dashboard {
	const (
		active   = `count(sum by (tenant) (increase(` + requests + `}[$__range])) > 0)`
		measured = alerts.BillDollars + ` and on (line) ` + alerts.RunningDollars
		storage  = `max by (tenant) (last_over_time(` + usage.SchemaBytes + `[$__range]))`
		traffic  = `sum by (tenant) (increase(` + requests + `}[$__range]))`
	)
	most := float64(s.Costs.Limit) / 100
	total := float64(s.Costs.Bill.Total()) / 100
	return dashboard{
		uid: "money", title: "Money", from: "now-30d", question: "What do we pay, does it match what runs, and which tenants cause it?",
		panels: []panel{
			number("Bill a month", dollars, bill).
				describe("All lines of the bill, before tax.").warnAbove(0.95*most, most+0.01).upTo(most).read("The plan", "plan.md"),
			number("Left of the budget", dollars, `max(`+alerts.LimitDollars+`) - `+bill).
				describe("The budget of the stack file less the bill.").warnBelow(0.05*most, 0).read("The plan", "plan.md"),
			number("What runs, above the bill", dollars, `sum(`+alerts.RunningDollars+`) - sum(`+measured+`)`).
				describe("Nodes, volumes and load balancers that run, with the prices of the bill, less the bill's lines for them.").warnAbove(0.01, 1).alert("CostsAboveBill"),
			number("Cost of an active tenant", dollars, bill+` / (`+active+`)`).
				describe("The bill, divided by the tenants with a request in the time that is shown.").read("The economics", "plan.md#the-economics"),
			number("Room for more tenants", count, `max(`+alerts.MoreTenants+`)`).
				describe("How many tenants of the smallest plan fit on the sizes of the bill.").warnBelow(3, 1).read("The plan", "plan.md"),
			number("The next size costs more", dollars, `max(`+alerts.StepDollars+`)`).
				describe("What the cheapest sizes with room for one more tenant add to the bill. 0 means that no such sizes exist.").read("The plan", "plan.md"),
			bars("Bill by line", dollars, `sort_desc(`+alerts.BillDollars+`)`, "{{line}}").
				describe("A month, before tax.").upTo(total).read("The plan", "plan.md"),
			lines("What runs against the bill", dollars,
				query{`sum by (line) (` + alerts.RunningDollars + `)`, "runs: {{line}}"},
				query{`sum by (line) (` + measured + `)`, "bill: {{line}}"}).
				describe("Only "+budget.ItemNodes+", volumes and load balancers can be counted in the cluster.").alert("CostsAboveBill", "NodesUnplanned"),
			lines("Bill and budget", dollars, query{bill, "bill"}, query{`max(` + alerts.LimitDollars + `)`, "budget"}).
				describe("A step is an update that changed sizes.").read("The plan", "plan.md"),
			lines("Traffic of a month at this rate (GiB)", count, query{alerts.SentGiB, "sent"}, query{`max(` + alerts.IncludedGiB + `)`, "included in the price of the nodes"}).
				describe("Bodies of answers, at the rate of the last three days. Each GiB above what is included costs " + catalog.Transfer.Unit.String() + ".").alert("TrafficAboveIncluded"),
			bars("Cost by tenant", dollars, `topk(10, scalar(`+bill+`) * (`+traffic+` / scalar(sum(`+traffic+`)) + `+storage+` / scalar(sum(`+storage+`))) / 2)`, "{{tenant}}").
				describe("The bill, divided by requests (half of it) and by storage (the other half), in the time that is shown.").read("The economics", "plan.md#the-economics"),
			bars("Bytes sent by tenant", bytes, `topk(10, sum by (tenant) (increase(traefik_router_responses_bytes_total{tenant!=""}[$__range])))`, "{{tenant}}").
				describe("The ten tenants with the most traffic in the time that is shown.").read("How usage is counted", "usage.md"),
		},
	}
}
