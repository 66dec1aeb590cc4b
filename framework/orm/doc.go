// Package orm is the record layer of Fusion: models, fields, domains, access
// and computed values over PostgreSQL. It knows nothing of HTTP, views or
// files, and of Fusion imports only expr, keyring, sanitize and
// schema.
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
// # Tags
//
// The tag of the embedded [Record] names the model; beside it stand label, order,
// rec (the field that names a record, otherwise name), parent (the field of the
// hierarchy, otherwise parent_id) and search (the fields name_search looks in).
// The option transient makes the model one of wizards:
//
//	orm.Record `orm:"gym.plan" label:"Plan" order:"sequence, id"`
//
// The tag of a field begins with its name, and its kind follows from the Go type:
//
//	string         Char; with the option text, html, selection or reference one of those
//	bool           Boolean
//	int, int64     Integer of 4 or 8 bytes
//	float64        Float, for what is no money
//	decimal        Float in NUMERIC; with currency=FIELD Monetary, rounded as that currency is
//	Date, Datetime days without a time zone; moments in UTC, to the second
//	Ref[T]         Many2one
//	Many[T]        Many2many; with inverse=FIELD One2many
//	Binary, JSON   Binary, kept in attachments; Json
//	Secret         encrypted at rest, never sent to a client
//	Deferred[T]    of the kind of T, read only where a path names the field: what has
//	               no column, that is computed fields without store, and files
//
// Options follow the name, separated by commas:
//
//	required, readonly, index, translate, tracking, size=N
//	digits=N           decimals kept
//	min_digits=N       decimals shown at least of a number that is kept as given
//	default=VALUE      a constant, or now, today, uid, company
//	store              the result of a compute is a column
//	related=PATH       the field at the end of a path
//	nocopy, copy       whether a copy takes the value over
//	ondelete=ACTION    of a Many2one: set_null, restrict (that of required ones) or cascade
//	inverse=FIELD      of a One2many: the Many2one that leads back
//	rel=TABLE:COL:COL  of a Many2many: its table and columns
//	company_dependent  a value for each company
//	check_company      the other record must be of the same company
//	delegate           the other record's fields are this one's too
//	aggregator=NAME    how groups sum it up, as avg
//	sent_to=FIELD:…    of a Secret: the fields with the address it is sent to; who changes
//	                   that address needs the right to the secret, which is cleared
//	                   unless a new one is given with it
//
// Beside it stand label, help, groups (who may see it), domain and context (of a
// relation), selection:"value:Label,…", and validate, rules of
// go-playground/validator.
//
// # Two faces
//
// Business code uses the typed face: [Search], [Read], [Create], [Save] and
// [Load] work on slices of facets. A facet holds its stored columns; relations
// and what is [Deferred] are filled only when a path names them, in one query
// per path, so no getter ever queries. A getter of what was not loaded panics, and
// the unit of work fails with its message, which names the field and the remedy.
// [New] begins a record with its defaults, and [Create] stores what stands in it.
// [Save] writes what changed, and refuses to lose a change. Views, RPC and data files use the
// dynamic face, [Records], which addresses fields by name and speaks [Values].
// Both go through the same pipeline: access, rules, defaults, validation, SQL,
// recompute, constraints.
//
// # Computed fields
//
// A compute is a function over a whole batch of facets whose dependency paths
// have been loaded. A stored compute becomes pending when something it depends
// on changes and is computed once per flush; a non-stored one is computed in
// bulk when read. A flush happens before a read that could see what is pending,
// and before commit.
//
// # Records in memory
//
// [Records.New] makes a record that is not stored, as a form shows it before it is
// saved. It is computed and read as others are.
package orm
