// Package orm is the record layer of Fusion: models, fields, domains, access
// and computed values over PostgreSQL. It knows nothing of HTTP, views or
// files, and imports nothing of Fusion but framework/expr.
//
// # How it fits together
//
// A model is declared by one or more facets. A facet is a plain struct that
// starts with [Record] and whose fields carry `orm:"name,…"` tags; [Define]
// creates the model, [Extend] adds to a model of another addon, and
// [DefineMixin] declares an abstract model that facets embed. Declarations are
// inert: they only add contributions to a [Registry]. [Registry.Freeze] merges
// the contributions of each model in the order of the addons, builds the
// dependency graph of computed fields, and reports every mistake at once.
// After that a registry is read-only and may be shared.
//
// A [DB] joins a frozen registry to a PostgreSQL database. [DB.Run] opens a
// unit of work, hands it an [Env] (user, companies, context, transaction) and
// retries the unit as a whole when PostgreSQL asks for it.
//
// # Two faces
//
// Business code uses the typed face: [Search], [Read], [Create], [Save] and
// [Load] work on slices of facets. A facet holds its stored columns; relations
// and non-stored computes are filled only when a path names them, in one query
// per path, so no getter ever queries. Views, RPC and data files use the
// dynamic face, [Records], which addresses fields by name and speaks [Values].
// Both go through the same pipeline: access, rules, defaults, validation, SQL,
// recompute, constraints.
//
// # Computed fields
//
// A compute is a function over a whole batch of facets whose dependency paths
// have been loaded. A stored compute is marked dirty when something it depends
// on changes and is computed once per flush; a non-stored one is computed in
// bulk when read. A flush happens before a read that could see a dirty value,
// and before commit.
package orm
