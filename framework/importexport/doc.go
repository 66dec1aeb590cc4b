// Package importexport moves records between a database and spreadsheets: rows of
// cells, whose columns are paths of fields. What [Export] gives, [Load] takes again.
//
// It stands on the exported face of orm alone: records are read and stored with the
// rights of the user, through the same hooks and constraints as by any other way. The
// packages that know a format (JSON-RPC, CSV of the back office and of data files)
// hand the cells on.
//
// Records go by their external ids, "module.name", which imports and exports keep in
// the namespaces __import__ and __export__.
package importexport
