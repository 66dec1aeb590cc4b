// Package conformance replays a corpus of JSON-RPC exchanges recorded from an
// Odoo 19.0 against the whole program: every addon, a fresh database, the real
// HTTP server. It may import everything; nothing imports it.
//
// Cases that do not apply stand in testdata/excluded.txt, each with its reason.
package conformance
