package meter

import (
	"fmt"
	"strings"

	"github.com/genericcorp/platform/internal/budget"
)

// volumeSources are the sources of a Pod's volumes that cost nothing. A claim is priced where
// it is declared.
var volumeSources = []string{"configMap", "downwardAPI", "emptyDir", "hostPath", "image", "name", "persistentVolumeClaim", "projected", "secret"}

// pods returns the rule for a type with a Pod at a path of its inputs. Its containers run on
// nodes that are on the bill. Its volumes must cost nothing, and the number of its Pods must
// be what is declared.
func pods(path ...string) rule {
	return rule{inCluster: true, price: func(_ Stack, in inputs) (budget.Bill, error) { return nil, checkVolumes(in, path...) }}
}

// checkVolumes returns an error if the Pod at the path has a volume that may cost something.
func checkVolumes(in inputs, path ...string) error {
	pod, err := in.at(path...)
	if err != nil {
		return err
	}
	at := strings.Join(path, ".")
	volumes, err := pod.list("volumes")
	if err != nil {
		return fmt.Errorf("%s.%w", at, err)
	}
	for i, volume := range volumes {
		name := fmt.Sprintf("%s.volumes[%d]", at, i)
		if _, ephemeral := volume["ephemeral"]; ephemeral {
			return fmt.Errorf("%s.ephemeral: makes a disk for each Pod, and the bill has none of them; declare a PersistentVolumeClaim, which is priced", name)
		}
		if err := volume.only(name, volumeSources...); err != nil {
			return err
		}
	}
	return nil
}
