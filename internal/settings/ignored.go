package settings

// validateIgnored adds a fault for each setting that was written and that another setting
// makes ineffective. The written settings have no defaults.
func (s Settings) validateIgnored(f *Faults, written Settings) {
	goesWith := func(with string, paths map[string]bool) {
		for path, set := range paths {
			if set {
				f.add(path, "goes with %s alone; delete the line", with)
			}
		}
	}
	if s.Cluster.Kind == Existing {
		goesWith("cluster.kind: "+DigitalOcean, map[string]bool{
			"cluster.ha": written.Cluster.HA, "nodes.size": written.Nodes.Size != "", "nodes.count": written.Nodes.Count != 0,
			"cluster.version": written.Cluster.Version != "",
			"region":          written.Region != "", "network.vpc": written.Network.VPC != "", "network.pods": written.Network.Pods != "",
			"network.services": written.Network.Services != "", "maintenance.day": written.Maintenance.Day != "", "maintenance.hour": written.Maintenance.Hour != "",
		})
	}
	switch {
	case f.wrong("database.kind"):
	case s.Database.Kind == External:
		goesWith("database.kind: "+DigitalOcean, map[string]bool{"database.size": written.Database.Size != "", "database.standby": written.Database.Standby})
	default:
		goesWith("database.kind: "+External, map[string]bool{"database.connections": written.Database.Connections != 0})
	}
	if s.Capacity.SurviveNodeLoss && written.App.Replicas == 1 {
		f.add("app.replicas", "1 does not go with capacity.surviveNodeLoss: true; write 2 or more, or delete the line")
	}
}
