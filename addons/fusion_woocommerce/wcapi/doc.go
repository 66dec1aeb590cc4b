// Package wcapi is a typed client of the WooCommerce REST API (wc/v3) and of
// its webhooks: signing, paging, batches, retries, and errors that say what a
// shop's owner can do about them.
//
// It knows WooCommerce and nothing of the ERP: it may not import the
// framework, any addon, or anything that touches a database. Amounts are
// decimals, never floats; instants are UTC; names come as the store keeps them
// (see [Unescape]).
//
// A [Client] is made with [New], is safe for concurrent use and holds no
// goroutines. Every error it returns is an [*Error] whose [Kind] can be tested
// with errors.Is:
//
//	if errors.Is(err, wcapi.ErrNotFound) { … }
package wcapi
