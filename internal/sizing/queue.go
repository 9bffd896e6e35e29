package sizing

import "container/heap"

// queue has the indices of nodes. The first is the node with the most free memory; of equal
// ones, the one with the lowest index.
type queue struct {
	nodes []NodeFit
	order []int
}

// newQueue returns a queue of all nodes.
func newQueue(nodes []NodeFit) *queue {
	q := &queue{nodes, make([]int, len(nodes))}
	for i := range nodes {
		q.order[i] = i
	}
	heap.Init(q)
	return q
}

// Len, Less, Swap, Push and Pop implement heap.Interface.

func (q *queue) Len() int { return len(q.order) }

func (q *queue) Less(a, b int) bool {
	if x, y := q.nodes[q.order[a]].Free.MiB, q.nodes[q.order[b]].Free.MiB; x != y {
		return x > y
	}
	return q.order[a] < q.order[b]
}

func (q *queue) Swap(a, b int) { q.order[a], q.order[b] = q.order[b], q.order[a] }

func (q *queue) Push(node any) { q.order = append(q.order, node.(int)) }

func (q *queue) Pop() any {
	last := len(q.order) - 1
	node := q.order[last]
	q.order = q.order[:last]
	return node
}

// placeEqual places equal Pods one by one, each on the node with the most free memory on which
// it fits. Pods that spread go to the nodes with the fewest of them first. It returns false if a
// Pod finds no node.
func placeEqual(nodes []NodeFit, p pod, replicas int) bool {
	open, next := newQueue(nodes), &queue{nodes: nodes}
	for placed := 0; placed < replicas; {
		if open.Len() == 0 {
			if next.Len() == 0 {
				return false
			}
			open, next = next, open
		}
		i := heap.Pop(open).(int)
		if !nodes[i].fits(p) {
			continue
		}
		nodes[i].add(p)
		placed++
		if p.spread {
			heap.Push(next, i)
		} else {
			heap.Push(open, i)
		}
	}
	return true
}
