// Package orm stands for the framework's package of this name.
package orm

type (
	Record        struct{ ID int64 }
	Mixin         struct{ ID int64 }
	Ref[T any]    struct{ rec *T }
	Many[T any]   struct{ recs []*T }
	Registry      struct{}
	Env           struct{}
	Def[T any]    struct{}
	Domain        []any
	Values        map[string]any
	Command       []any
	Statement     struct{}
	Records       struct{}
	Group         struct{}
	SearchOptions struct {
		Limit int
		Order string
	}
)

func Define[T any](r *Registry) *Def[T]                                            { return nil }
func DefineMixin[T any](r *Registry) *Def[T]                                       { return nil }
func Extend[T any](r *Registry, model string) *Def[T]                              { return nil }
func (d *Def[T]) Inherit(mixin string) *Def[T]                                     { return d }
func (d *Def[T]) Constrain(fields string, fn func(*Env, []*T) error)               {}
func (d *Def[T]) Compute(fields string, fn func(*Env, []*T) error, deps ...string) {}

func Leaf(field, op string, value any) Domain { return nil }
func And(ds ...Domain) Domain                 { return nil }

func Save[T any](env *Env, recs []*T, fields ...string) error                    { return nil }
func Get[T any](env *Env, id int64, paths ...string) (*T, error)                 { return nil, nil }
func Load[T any](env *Env, recs []*T, paths ...string) error                     { return nil }
func First[T any](env *Env, d Domain, order string, paths ...string) (*T, error) { return nil, nil }
func Search[T any](env *Env, d Domain, o SearchOptions, paths ...string) ([]*T, error) {
	return nil, nil
}
func RecordsOf[T any](env *Env, recs ...*T) Records                                  { return Records{} }
func CreateLine(v Values) Command                                                    { return nil }
func UpdateLine(id int64, v Values) Command                                          { return nil }
func SQL(text string, args ...any) Statement                                         { return Statement{} }
func (s Statement) Reads(model string, fields ...string) Statement                   { return s }
func (e *Env) Model(name string) Records                                             { return Records{} }
func (rs Records) Browse(ids ...int64) Records                                       { return rs }
func (rs Records) Search(d Domain, o SearchOptions) (Records, error)                 { return rs, nil }
func (rs Records) Create(vals ...Values) (Records, error)                            { return rs, nil }
func (rs Records) Write(vals Values) error                                           { return nil }
func (rs Records) Read(names ...string) ([]Values, error)                            { return nil, nil }
func (rs Records) ReadGroup(d Domain, groupBy, aggregates []string) ([]Group, error) { return nil, nil }

type (
	CreateFunc func(rs Records, list []Values) (Records, error)
	WriteFunc  func(rs Records, vals Values) error
)

func (d *Def[T]) OnCreate(h func(super CreateFunc) CreateFunc) {}
func (d *Def[T]) OnWrite(h func(super WriteFunc) WriteFunc)    {}
func (v Values) ID(name string) int64                          { return 0 }
func (v Values) Has(names ...string) bool                      { return false }
