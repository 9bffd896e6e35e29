// Package onboarding helps to take in a new customer: it adds the tenant's entry to a stack
// file if the tenant fits, writes the text that welcomes the customer, and reads how far
// each customer has come. `ops tenant` is its command, and docs/beta.md its page.
package onboarding
