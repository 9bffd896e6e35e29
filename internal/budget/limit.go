package budget

import "fmt"

// OverError says that a bill is over its limit. It carries the bill, so that
// whoever prints it can show the table.
type OverError struct {
	Bill  Bill
	Limit Cents
	// Advice names the knob that breaks the limit and the nearest plan that
	// keeps it; empty when there is none to give.
	Advice string
}

// Over is by how much the bill exceeds the limit.
func (e *OverError) Over() Cents { return e.Bill.Total() - e.Limit }

// Summary is the error without the bill.
func (e *OverError) Summary() string {
	msg := fmt.Sprintf("over by %s: this stack costs %s a month and its limit is %s",
		e.Over(), e.Bill.Total(), e.Limit)
	if e.Advice != "" {
		msg += "\n" + e.Advice
	}
	return msg
}

func (e *OverError) Error() string { return e.Summary() + "\n\n" + e.Bill.Table(e.Limit) }

// Check returns an *OverError when the bill is over the limit. A bill that
// equals the limit keeps it.
func (b Bill) Check(limit Cents) error {
	if b.Total() <= limit {
		return nil
	}
	return &OverError{Bill: b, Limit: limit}
}
