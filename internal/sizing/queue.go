package sizing

// queue has the indices of nodes. The first is the node with the most free memory; of equal
// ones, the one with the lowest index.
type queue struct {
	nodes []NodeFit
	order []int
}

// newQueue returns a queue of all nodes.
func newQueue(nodes []NodeFit) queue {
	q := queue{nodes, make([]int, 0, len(nodes))}
	for i := range nodes {
		q.push(i)
	}
	return q
}

func (q *queue) before(a, b int) bool {
	if x, y := q.nodes[q.order[a]].Free.MiB, q.nodes[q.order[b]].Free.MiB; x != y {
		return x > y
	}
	return q.order[a] < q.order[b]
}

func (q *queue) swap(a, b int) { q.order[a], q.order[b] = q.order[b], q.order[a] }

func (q *queue) push(node int) {
	q.order = append(q.order, node)
	for i := len(q.order) - 1; i > 0 && q.before(i, (i-1)/2); i = (i - 1) / 2 {
		q.swap(i, (i-1)/2)
	}
}

func (q *queue) pop() int {
	first, last := q.order[0], len(q.order)-1
	q.swap(0, last)
	q.order = q.order[:last]
	for i := 0; ; {
		next := i
		for child := 2*i + 1; child <= 2*i+2 && child < last; child++ {
			if q.before(child, next) {
				next = child
			}
		}
		if next == i {
			return first
		}
		q.swap(i, next)
		i = next
	}
}

// placeEqual places equal Pods one by one, each on the node with the most free memory on which
// it fits. Pods that spread may differ by at most one between nodes. It returns false if a Pod
// finds no node.
func placeEqual(nodes []NodeFit, p pod, replicas int) bool {
	open, full := newQueue(nodes), queue{nodes: nodes}
	misfit := false
	for placed := 0; placed < replicas; {
		if len(open.order) == 0 {
			// A node without room keeps its Pods, so with spread no other may get one more.
			if misfit || len(full.order) == 0 {
				return false
			}
			open, full = full, queue{nodes: nodes, order: open.order}
		}
		i := open.pop()
		if !nodes[i].fits(p) {
			misfit = true
			continue
		}
		nodes[i].add(p)
		placed++
		if p.spread {
			full.push(i)
		} else {
			open.push(i)
		}
	}
	return true
}
