package dashboards

// object is an object of Grafana's JSON.
type object = map[string]any

// tag is on all dashboards, so that each links to the others.
const tag = "platform"

var source = object{"type": "prometheus", "uid": Datasource}

// json returns the dashboard in Grafana's format. It has all fields that the schema requires,
// because Grafana shows a dashboard without them in part.
func (d dashboard) json() object {
	variables := []object{}
	if d.byTenant {
		variables = append(variables, tenantVariable())
	}
	return object{
		"uid": d.uid, "title": d.title, "description": d.question, "tags": []string{tag}, "schemaVersion": 41, "editable": false,
		"time": object{"from": d.from, "to": "now"}, "refresh": "1m", "graphTooltip": 1,
		"templating":  object{"list": variables},
		"annotations": object{"list": annotations()},
		"links": []object{{
			"title": "Dashboards", "type": "dashboards", "icon": "", "tooltip": "", "tags": []string{tag},
			"asDropdown": false, "targetBlank": false, "includeVars": false, "keepTime": false,
		}},
		"panels": layout(d.panels),
	}
}

// tenantVariable lists the tenants with a schema, and those with requests since the last hourly
// measurement.
func tenantVariable() object {
	const list = `label_values({__name__=~"tenant_schema_bytes|traefik_router_requests_total",tenant!=""}, tenant)`
	return object{
		"name": "tenant", "label": "Tenant", "type": "query", "datasource": source, "skipUrlSync": false, "multi": false, "includeAll": false,
		"query":      object{"query": list, "refId": "tenants"},
		"definition": list, "refresh": 2, "sort": 1,
	}
}

// annotations mark the alerts and the deployments in every graph.
func annotations() []object {
	const generation = `max by (namespace, deployment) (kube_deployment_metadata_generation)`
	mark := func(name, color, expr, title, text string) object {
		return object{
			"name": name, "enable": true, "iconColor": color, "datasource": source,
			"expr": expr, "step": "60s", "titleFormat": title, "textFormat": text,
		}
	}
	return []object{
		mark("Alerts", "red", firing, "{{alertname}}", "{{severity}} {{namespace}} {{deployment}} {{node}}"),
		// A Deployment's generation grows with each change of its specification.
		mark("Deployments", "blue", generation+" > "+generation+" offset $__interval", "{{deployment}} was changed", "{{namespace}}/{{deployment}}"),
	}
}

// Columns and heights of Grafana's grid. A row of numbers is 4 high, a row of graphs 7.
const (
	columns      = 24
	numberWidth  = 4
	numberHeight = 4
	graphWidth   = 8
	graphHeight  = 7
)

// layout places the panels from left to right.
func layout(panels []panel) []object {
	var out []object
	x, y, height := 0, 0, 0
	for i, p := range panels {
		w, h := graphWidth, graphHeight
		if p.kind == kindNumber {
			w, h = numberWidth, numberHeight
		}
		if x+w > columns {
			x, y = 0, y+height
		}
		height = h
		panel := p.json()
		panel["id"] = i + 1
		panel["gridPos"] = object{"x": x, "y": y, "w": w, "h": h}
		out = append(out, panel)
		x += w
	}
	return out
}

func (p panel) json() object {
	var targets []object
	for i, q := range p.queries {
		targets = append(targets, object{
			"refId": string(rune('A' + i)), "expr": q.expr, "legendFormat": q.name, "datasource": source,
			"instant": p.kind != kindLines, "range": p.kind == kindLines,
		})
	}
	var links []object
	for _, l := range p.links {
		links = append(links, object{
			"title": l.title, "url": l.url, "type": "link", "icon": "", "tooltip": "", "tags": []string{},
			"asDropdown": false, "targetBlank": true, "includeVars": false, "keepTime": false,
		})
	}
	return object{
		"type": p.kind, "title": p.title, "description": p.about, "datasource": source,
		"targets": targets, "links": links, "options": p.options(),
		"fieldConfig": object{"defaults": p.field(), "overrides": []object{}},
	}
}

// field returns the unit, the axis and the thresholds of a panel's values. A bar of a tenant
// leads to the tenant's page.
func (p panel) field() object {
	steps := []object{{"color": "green", "value": nil}}
	if len(p.steps) > 0 && p.steps[len(p.steps)-1].color == "green" {
		steps[0]["color"] = "red"
	}
	for _, s := range p.steps {
		steps = append(steps, object{"color": s.color, "value": s.from})
	}
	out := object{
		"unit": p.unit, "noValue": "no data", "thresholds": object{"mode": "absolute", "steps": steps},
		"color": object{"mode": "thresholds"},
	}
	if p.kind != kindNumber || p.most > 0 {
		out["min"] = 0
	}
	if p.most > 0 {
		out["max"] = p.most
	}
	switch {
	case p.kind == kindLines:
		out["color"] = object{"mode": "palette-classic"}
		out["custom"] = object{"drawStyle": "line", "lineWidth": 2, "fillOpacity": 8, "showPoints": "never", "spanNulls": 600_000}
	case p.queries[0].name == "{{tenant}}":
		out["links"] = []object{{"title": "The tenant's page", "url": "/d/tenant?var-tenant=${__field.labels.tenant}"}}
	}
	return out
}

func (p panel) options() object {
	last := object{"calcs": []string{"lastNotNull"}, "values": false}
	legend := object{"displayMode": "list", "placement": "bottom", "showLegend": true, "calcs": []string{}}
	switch p.kind {
	case kindLines:
		return object{"legend": legend, "tooltip": object{"mode": "multi", "sort": "desc"}}
	case kindBars:
		legend["showLegend"] = false
		return object{
			"displayMode": "basic", "valueMode": "color", "namePlacement": "left", "showUnfilled": true, "sizing": "auto", "orientation": "horizontal",
			"minVizWidth": 8, "minVizHeight": 14, "maxVizHeight": 24, "legend": legend, "reduceOptions": last,
		}
	default:
		return object{
			"graphMode": "none", "colorMode": "value", "justifyMode": "center", "textMode": "value", "wideLayout": true, "showPercentChange": false,
			"percentChangeColorMode": "standard", "orientation": "auto", "reduceOptions": last,
		}
	}
}
