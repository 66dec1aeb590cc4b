package orm_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

// The models of the vault: papers belong to teams, hang below other papers and
// carry tags. Every one of them has record rules, made at random.
type (
	vaultTeam struct {
		orm.Record `orm:"vault.team" label:"Team" order:"level, id"`
		Name       string               `orm:"name,required"`
		Level      int                  `orm:"level"`
		Papers     orm.Many[vaultPaper] `orm:"paper_ids,inverse=team_id"`
	}
	vaultTag struct {
		orm.Record `orm:"vault.tag" label:"Tag"`
		Name       string `orm:"name,required"`
		Level      int    `orm:"level"`
	}
	vaultPaper struct {
		orm.Record `orm:"vault.paper" label:"Paper" order:"id"`
		Name       string               `orm:"name,required"`
		Level      int                  `orm:"level"`
		Amount     float64              `orm:"amount"`
		Secret     string               `orm:"secret" groups:"base.group_erp_manager"`
		Team       orm.Ref[vaultTeam]   `orm:"team_id"`
		Parent     orm.Ref[vaultPaper]  `orm:"parent_id,ondelete=cascade"`
		Children   orm.Many[vaultPaper] `orm:"child_ids,inverse=parent_id"`
		Tags       orm.Many[vaultTag]   `orm:"tag_ids"`
	}
)

func vault() module.Addon {
	access := "id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\n"
	for _, m := range []string{"team", "tag", "paper"} {
		access += fmt.Sprintf("access_%s,%s,model_vault_%s,base.group_user,1,1,1,1\n", m, m, m)
	}
	return module.Addon{Name: "vault", Version: "19.0.1.0.0", Depends: []string{"base"}, Data: []string{"ir.model.access.csv", "groups.xml"},
		FS: fstest.MapFS{"ir.model.access.csv": {Data: []byte(access)}, "groups.xml": {Data: []byte(`<odoo>
			<record id="group_a" model="res.groups"><field name="name">A</field></record>
			<record id="group_b" model="res.groups"><field name="name">B</field></record></odoo>`)}},
		Define: func(r *orm.Registry) {
			orm.Define[vaultTeam](r)
			orm.Define[vaultTag](r)
			orm.Define[vaultPaper](r)
		}}
}

// row is a record as the reference knows it.
type row struct {
	id            int64
	name          string
	level         int
	amount        float64
	team, parent  int64
	children, set []int64 // papers below, tags (of a team: its papers)
}

type world struct {
	env   *orm.Env
	rng   *rand.Rand
	rows  map[string]map[int64]*row // by model and id
	ids   map[string][]int64
	rules []rule
}

type rule struct {
	model  string
	group  string // "" for all users
	domain *cond
}

// cond is a domain as a tree.
type cond struct {
	op   string // & | ! or an operator of a leaf
	kids []*cond
	path []string
	val  any
}

func (c *cond) domain() orm.Domain {
	switch c.op {
	case "&", "|", "!":
		out := orm.Domain{c.op}
		for _, k := range c.kids {
			out = append(out, k.domain()...)
		}
		return out
	case "any", "not any":
		return orm.Domain{[]any{c.path[0], c.op, []any(c.kids[0].domain())}}
	}
	return orm.Domain{[]any{strings.Join(c.path, "."), c.op, c.val}}
}

// python writes a value as the domain of a rule has it.
func python(v any) string {
	switch x := v.(type) {
	case orm.Domain:
		return python([]any(x))
	case []any:
		parts := make([]string, len(x))
		for i, e := range x {
			parts[i] = python(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	case []int64:
		return strings.ReplaceAll(fmt.Sprint(x), " ", ", ")
	case string:
		return "'" + x + "'"
	case bool:
		return map[bool]string{true: "True", false: "False"}[x]
	}
	return fmt.Sprint(v)
}

var comodels = map[string]map[string]string{
	"vault.paper": {"team_id": "vault.team", "parent_id": "vault.paper", "child_ids": "vault.paper", "tag_ids": "vault.tag"},
	"vault.team":  {"paper_ids": "vault.paper"},
	"vault.tag":   {},
}

func (w *world) pick(list ...string) string { return list[w.rng.IntN(len(list))] }

func (w *world) random(model string, depth int) *cond {
	if depth > 0 {
		switch w.rng.IntN(6) {
		case 0:
			return &cond{op: "!", kids: []*cond{w.random(model, depth-1)}}
		case 1, 2:
			return &cond{op: w.pick("&", "|"), kids: []*cond{w.random(model, depth-1), w.random(model, depth-1)}}
		}
	}
	fields := []string{"name", "level", "level"}
	for f := range comodels[model] {
		fields = append(fields, f)
	}
	slices.Sort(fields)
	field := w.pick(fields...)
	co := comodels[model][field]
	switch {
	case field == "name":
		return &cond{op: w.pick("ilike", "not ilike", "=", "!="), path: []string{"name"}, val: w.pick("a", "b", "c")}
	case field == "level":
		if w.rng.IntN(4) == 0 {
			return &cond{op: w.pick("in", "not in"), path: []string{"level"}, val: []any{w.rng.IntN(5), w.rng.IntN(5)}}
		}
		return &cond{op: w.pick("=", "!=", "<", ">="), path: []string{"level"}, val: w.rng.IntN(5)}
	case depth > 0 && w.rng.IntN(3) == 0:
		return &cond{op: w.pick("any", "not any"), path: []string{field}, kids: []*cond{w.random(co, depth-1)}}
	case w.rng.IntN(2) == 0:
		return &cond{op: w.pick("=", "!=", "<", ">="), path: []string{field, "level"}, val: w.rng.IntN(5)}
	case w.rng.IntN(3) == 0:
		return &cond{op: w.pick("=", "!="), path: []string{field}, val: false}
	}
	ids := w.ids[co]
	return &cond{op: w.pick("in", "not in"), path: []string{field}, val: []any{ids[w.rng.IntN(len(ids))], ids[w.rng.IntN(len(ids))]}}
}

// linked are the records a field leads to.
func (r *row) linked(field string) []int64 {
	switch field {
	case "team_id":
		return nonzero(r.team)
	case "parent_id":
		return nonzero(r.parent)
	case "child_ids":
		return r.children
	}
	return r.set
}

func nonzero(id int64) []int64 {
	if id == 0 {
		return nil
	}
	return []int64{id}
}

// holds evaluates a domain naively. Along a path only records count that may
// be seen.
func (w *world) holds(model string, r *row, c *cond, seen func(model string, r *row) bool) bool {
	leads := func(field string, test func(co *row) bool) bool {
		co := comodels[model][field]
		return slices.ContainsFunc(r.linked(field), func(id int64) bool {
			to := w.rows[co][id]
			return seen(co, to) && test(to)
		})
	}
	switch c.op {
	case "&":
		return w.holds(model, r, c.kids[0], seen) && w.holds(model, r, c.kids[1], seen)
	case "|":
		return w.holds(model, r, c.kids[0], seen) || w.holds(model, r, c.kids[1], seen)
	case "!":
		return !w.holds(model, r, c.kids[0], seen)
	case "any", "not any":
		co := comodels[model][c.path[0]]
		return leads(c.path[0], func(to *row) bool { return w.holds(co, to, c.kids[0], seen) }) == (c.op == "any")
	}
	if len(c.path) == 2 {
		return leads(c.path[0], func(to *row) bool { return compare(to.level, c.op, c.val.(int)) })
	}
	switch field := c.path[0]; field {
	case "name":
		is := r.name == c.val
		if strings.HasSuffix(c.op, "ilike") {
			is = strings.Contains(r.name, c.val.(string))
		}
		return is == (c.op == "ilike" || c.op == "=")
	case "level":
		if n, ok := c.val.(int); ok {
			return compare(r.level, c.op, n)
		}
		return slices.Contains(c.val.([]any), any(r.level)) == (c.op == "in")
	default:
		// Which records are linked is compared by id, seen or not, as Odoo does;
		// what they are like is not.
		ids := r.linked(field)
		if c.val == false {
			return (len(ids) == 0) == (c.op == "=")
		}
		return slices.ContainsFunc(ids, func(id int64) bool { return slices.Contains(c.val.([]any), any(id)) }) == (c.op == "in")
	}
}

func compare(a int, op string, b int) bool {
	switch op {
	case "=":
		return a == b
	case "!=":
		return a != b
	case "<":
		return a < b
	}
	return a >= b
}

// visible is what the rules say: all those for everybody, and one of those of
// the user's groups if there are any.
func (w *world) visible(groups []string) func(model string, r *row) bool {
	all := func(string, *row) bool { return true }
	return func(model string, r *row) bool {
		of, one := false, false
		for _, rl := range w.rules {
			if rl.model != model || rl.group != "" && !slices.Contains(groups, rl.group) {
				continue
			}
			ok := w.holds(model, r, rl.domain, all)
			if rl.group == "" && !ok {
				return false
			}
			if rl.group != "" {
				of, one = true, one || ok
			}
		}
		return !of || one
	}
}

func newWorld(t *testing.T, seed uint64) *world {
	t.Helper()
	env := ormtest.New(t, base.Addon(), vault())
	w := &world{env: env, rng: rand.New(rand.NewPCG(seed, 1)), rows: map[string]map[int64]*row{}, ids: map[string][]int64{}}
	for model, n := range map[string]int{"vault.team": 5, "vault.tag": 5, "vault.paper": 24} {
		w.rows[model] = map[int64]*row{}
		for range n {
			w.ids[model] = append(w.ids[model], 0)
		}
	}
	for _, model := range []string{"vault.team", "vault.tag", "vault.paper"} {
		for i := range w.ids[model] {
			r := &row{name: w.pick("a", "b", "c", "ab", "bc", "ca"), level: w.rng.IntN(5)}
			vals := orm.Values{"name": r.name, "level": r.level}
			if model == "vault.paper" {
				r.amount = float64(w.rng.IntN(100))
				if w.rng.IntN(4) > 0 {
					r.team = w.ids["vault.team"][w.rng.IntN(5)]
				}
				if i > 0 && w.rng.IntN(3) > 0 {
					r.parent = w.ids[model][w.rng.IntN(i)]
				}
				for _, tag := range w.ids["vault.tag"] {
					if w.rng.IntN(3) == 0 {
						r.set = append(r.set, tag)
					}
				}
				vals["amount"], vals["secret"], vals["team_id"], vals["parent_id"] = r.amount, "hush", idOrFalse(r.team), idOrFalse(r.parent)
				vals["tag_ids"] = []orm.Command{orm.SetIDs(r.set...)}
			}
			rs, err := env.Model(model).Create(vals)
			if err != nil {
				t.Fatal(err)
			}
			r.id = rs.ID()
			w.ids[model][i], w.rows[model][r.id] = r.id, r
			if p := w.rows[model][r.parent]; p != nil {
				p.children = append(p.children, r.id)
			}
			if team := w.rows["vault.team"][r.team]; team != nil {
				team.set = append(team.set, r.id)
			}
		}
	}
	return w
}

func idOrFalse(id int64) any {
	if id == 0 {
		return false
	}
	return id
}

// user makes a user with some of the groups.
func (w *world) user(t *testing.T, login string, groups ...string) int64 {
	t.Helper()
	ids := []int64{}
	for _, g := range append([]string{"base.group_user"}, groups...) {
		rs, err := w.env.Ref(g)
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, rs.ID())
	}
	rs, err := w.env.Model("res.users").Create(orm.Values{"name": login, "login": login, "group_ids": []orm.Command{orm.SetIDs(ids...)}})
	if err != nil {
		t.Fatal(err)
	}
	return rs.ID()
}

// addRules makes some rules at random, in the database and for the reference.
func (w *world) addRules(t *testing.T, env *orm.Env) {
	t.Helper()
	w.rules = nil
	for _, model := range []string{"vault.team", "vault.tag", "vault.paper"} {
		id, err := env.Model("ir.model").Search(orm.Leaf("model", "=", model), orm.SearchOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for range w.rng.IntN(4) {
			r := rule{model, w.pick("", "vault.group_a", "vault.group_a", "vault.group_b"), w.random(model, 2)}
			vals := orm.Values{"name": "r", "model_id": id.ID(), "domain_force": python(r.domain.domain())}
			if r.group != "" {
				g, err := env.Ref(r.group)
				if err != nil {
					t.Fatal(err)
				}
				vals["groups"] = []orm.Command{orm.SetIDs(g.ID())}
			}
			if _, err := env.Model("ir.rule").Create(vals); err != nil {
				t.Fatal(err)
			}
			w.rules = append(w.rules, r)
		}
	}
}

var errUndo = errors.New("undo")

// Whatever the rules are, every way to read gives what a naive reading of them
// gives: nothing more, and nothing less.
func TestNothingLeaks(t *testing.T) {
	t.Parallel()
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, seed)
			groups := [][]string{nil, {"vault.group_a"}, {"vault.group_a", "vault.group_b"}}
			var users []int64
			for i, g := range groups {
				users = append(users, w.user(t, fmt.Sprint("user", i), g...))
			}
			for range 8 {
				err := w.env.Savepoint(func(env *orm.Env) error {
					w.addRules(t, env)
					for i, uid := range users {
						c := &check{world: w, t: t, env: env.WithUser(uid), seen: w.visible(groups[i])}
						if c.papers(); t.Failed() {
							for _, r := range w.rules {
								t.Logf("rule on %s for %q: %s", r.model, r.group, python(r.domain.domain()))
							}
							t.FailNow()
						}
					}
					return errUndo
				})
				if !errors.Is(err, errUndo) {
					t.Fatal(err)
				}
			}
		})
	}
}
