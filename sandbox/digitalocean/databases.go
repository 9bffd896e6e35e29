package digitalocean

import (
	"net/http"

	"github.com/digitalocean/godo"

	"github.com/genericcorp/platform/sandbox/cloud"
)

// Types of the objects that the API lists besides clusters.
const (
	tokenVPC              = "digitalocean:index/vpc:Vpc"
	tokenDatabase         = "digitalocean:index/databaseCluster:DatabaseCluster"
	tokenDatabaseDb       = "digitalocean:index/databaseDb:DatabaseDb"
	tokenDatabaseUser     = "digitalocean:index/databaseUser:DatabaseUser"
	tokenDatabaseFirewall = "digitalocean:index/databaseFirewall:DatabaseFirewall"
)

func (s *Server) vpcs(*http.Request) (answer, error) {
	list := []*godo.VPC{}
	err := s.each(tokenVPC, func(id string, o cloud.Object) error {
		list = append(list, &godo.VPC{
			ID: id, Name: text(o.Inputs, "name"), RegionSlug: text(o.Inputs, "region"), IPRange: text(o.Inputs, "ipRange"),
		})
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	return page("vpcs", list, len(list))
}

func asDatabase(id string, o cloud.Object) godo.Database {
	return godo.Database{
		ID: id, Name: text(o.Inputs, "name"), EngineSlug: text(o.Inputs, "engine"), VersionSlug: text(o.Inputs, "version"),
		RegionSlug: text(o.Inputs, "region"), SizeSlug: text(o.Inputs, "size"), Tags: texts(o.Inputs, "tags"), Status: "online",
	}
}

func (s *Server) databases(*http.Request) (answer, error) {
	list := []godo.Database{}
	err := s.each(tokenDatabase, func(id string, o cloud.Object) error {
		list = append(list, asDatabase(id, o))
		return nil
	})
	if err != nil {
		return answer{}, err
	}
	return page("databases", list, len(list))
}

func (s *Server) database(r *http.Request) (answer, error) {
	o, found, err := s.Cloud.Get(tokenDatabase, r.PathValue("database"))
	if err == nil && !found {
		err = notFound()
	}
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"database": asDatabase(r.PathValue("database"), o)})
}

// eachOfDatabase calls visit for each object of a type that belongs to the database
// cluster of the request.
func (s *Server) eachOfDatabase(r *http.Request, token string, visit func(cloud.Object)) error {
	if _, err := s.database(r); err != nil {
		return err
	}
	return s.each(token, func(_ string, o cloud.Object) error {
		if text(o.Inputs, "clusterId") == r.PathValue("database") {
			visit(o)
		}
		return nil
	})
}

// databaseDbs lists the databases, with "defaultdb", which every database cluster has from
// the start (databases/models/database_cluster.yml, db_names).
func (s *Server) databaseDbs(r *http.Request) (answer, error) {
	list := []godo.DatabaseDB{{Name: "defaultdb"}}
	err := s.eachOfDatabase(r, tokenDatabaseDb, func(o cloud.Object) {
		list = append(list, godo.DatabaseDB{Name: text(o.Inputs, "name")})
	})
	if err != nil {
		return answer{}, err
	}
	return page("dbs", list, len(list))
}

// databaseUsers lists the users, with "doadmin", the primary user. It omits passwords, as
// the API does for a token without the scope database:view_credentials.
func (s *Server) databaseUsers(r *http.Request) (answer, error) {
	list := []godo.DatabaseUser{{Name: "doadmin", Role: "primary"}}
	err := s.eachOfDatabase(r, tokenDatabaseUser, func(o cloud.Object) {
		list = append(list, godo.DatabaseUser{Name: text(o.Inputs, "name"), Role: "normal"})
	})
	if err != nil {
		return answer{}, err
	}
	return page("users", list, len(list))
}

// databaseFirewall lists the trusted sources
// (databases/databases_list_firewall_rules.yml).
func (s *Server) databaseFirewall(r *http.Request) (answer, error) {
	list := []godo.DatabaseFirewallRule{}
	err := s.eachOfDatabase(r, tokenDatabaseFirewall, func(o cloud.Object) {
		rules, _ := o.Inputs["rules"].([]any)
		for _, rule := range rules {
			if rule, isRule := rule.(map[string]any); isRule {
				list = append(list, godo.DatabaseFirewallRule{
					ClusterUUID: r.PathValue("database"), Type: text(rule, "type"), Value: text(rule, "value"),
				})
			}
		}
	})
	if err != nil {
		return answer{}, err
	}
	return ok(map[string]any{"rules": list})
}
