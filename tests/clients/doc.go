// Package clients lets programs written for Odoo, unmodified, work with the
// server, in more than one language and protocol. It may import everything;
// nothing imports it.
package clients
