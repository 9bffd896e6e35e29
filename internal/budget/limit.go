package budget

import "fmt"

// OverError is the error of a bill that is over its limit.
type OverError struct {
	Bill  Bill
	Limit Cents
	// Advice names the setting that breaks the limit, and a plan that keeps it.
	// It is empty when there is no such plan.
	Advice string
}

// Over returns by how much the bill exceeds the limit.
func (e *OverError) Over() Cents { return e.Bill.Total() - e.Limit }

// Summary returns the message without the table of the bill.
func (e *OverError) Summary() string {
	msg := fmt.Sprintf("over by %s: this stack costs %s a month and its limit is %s",
		e.Over(), e.Bill.Total(), e.Limit)
	if e.Advice != "" {
		msg += "\n" + e.Advice
	}
	return msg
}

// Error returns the summary and the table of the bill.
func (e *OverError) Error() string { return e.Summary() + "\n\n" + e.Bill.Table(e.Limit) }

// Check returns an *OverError when the total is greater than the limit. A total that
// equals the limit is no error.
func (b Bill) Check(limit Cents) error {
	if b.Total() <= limit {
		return nil
	}
	return &OverError{Bill: b, Limit: limit}
}
