package player

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// Ordered is the pool of the one cluster in a simulated cloud; none is there
// before it is made.
func Ordered(cloud string) (Pool, error) {
	files, err := filepath.Glob(filepath.Join(cloud, "digitalocean", "*KubernetesCluster", "*.json"))
	if err != nil || len(files) == 0 {
		return Pool{}, err
	}
	data, err := os.ReadFile(files[0])
	if err != nil {
		return Pool{}, err
	}
	var object struct {
		Inputs struct {
			NodePool Pool `json:"nodePool"`
		} `json:"inputs"`
	}
	if err := json.Unmarshal(data, &object); err != nil {
		return Pool{}, fmt.Errorf("%s: %w", files[0], err)
	}
	return object.Inputs.NodePool, nil
}
