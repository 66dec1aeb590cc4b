package module

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"fusionsoft.ca/fusion/framework/expr"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/view"
)

// value checks one field of a record and returns what is known of its value:
// the text, an evaluated expression or a *knownID; unknown when it is set to
// something only a database can tell.
func (c *dataChecker) value(at place, r *record, m *orm.Model, f *orm.Field, v fieldValue) any {
	switch v.kind {
	case asText:
		return c.text(at, f, v)
	case asMarkup:
		c.markup(at, v.text)
		return v.text
	case asEval:
		x, ok := c.eval(at, v.text, m)
		if !ok {
			return unknown{}
		}
		c.fitsValue(at, f, x)
		return x
	case asRef:
		if v.text == "" || r != nil && !r.forcecreate && c.ids[v.text] == nil {
			return nil
		}
		if k := c.ref(at, v.text); k != nil {
			if err := fits(at, f, k.full, k.model); err != nil {
				c.failErr(at, err)
			}
			return k
		}
	case asRefs:
		var last any
		n := 0
		for _, part := range strings.Split(v.text, ",") {
			part = strings.TrimPrefix(strings.TrimSpace(part), "-")
			if part == "" {
				continue
			}
			n++
			if k := c.ref(at, qualify(part, at.addon)); k != nil {
				if err := fits(at, f, k.full, k.model); err != nil {
					c.failErr(at, err)
				}
				last = k
			}
		}
		if n > 1 && !f.X2many() {
			c.fail(at, "field %s takes one record, not %d", f.Name, n)
		}
		return last
	case asSearch:
		c.search(at, f, v)
	case asFile, asPath:
		c.file(at, v.text)
	case asItems:
		for _, a := range v.items {
			c.arg(a, m)
		}
	case asActionRef, asActionTag:
		k := c.ref(at, v.text)
		if k == nil {
			break
		}
		if !strings.HasPrefix(k.model, "ir.actions.") {
			c.fail(at, "%s is a %s, not an action", k.full, k.model)
		}
		return k
	case asCSV:
		c.cell(at, f, v.text)
		return v.text
	case asDBIDs:
		if _, err := dbIDs(at, f, v.text); err != nil {
			c.failErr(at, err)
		}
	case asLines:
		c.lines(at, f, v)
	}
	return unknown{}
}

// unknown is a value that needs a database.
type unknown struct{}

func (c *dataChecker) text(at place, f *orm.Field, v fieldValue) any {
	switch v.typ {
	case "list", "tuple":
		c.eval(at, strings.TrimSpace(v.text), nil)
		return unknown{}
	case "base64":
		return unknown{}
	}
	x, err := (&loader{}).text(at, f, v)
	if err != nil {
		c.failErr(at, err)
		return unknown{}
	}
	c.fitsValue(at, f, x)
	return x
}

// fitsValue checks a value that is known against its field.
func (c *dataChecker) fitsValue(at place, f *orm.Field, v any) {
	if v == nil || v == false {
		return
	}
	switch {
	case f.Kind == orm.Selection:
		s, ok := v.(string)
		if n, isInt := v.(int64); isInt {
			s, ok = strconv.FormatInt(n, 10), true
		}
		if !ok || len(f.Options) > 0 && s != "" && !slices.ContainsFunc(f.Options, func(o orm.Option) bool { return o.Value == s }) {
			c.failErr(at, badOption(at, f, f.Options, s))
		}
	case f.Kind == orm.Many2one:
		if id, ok := v.(int64); ok {
			c.fitsID(at, f, id)
		} else if _, text := v.(string); !text {
			c.fail(at, "field %s is a many2one; its value must be a record id", f.Name)
		}
	case f.X2many():
		c.commands(at, f, v)
	case f.Kind == orm.Integer, f.Kind == orm.Float, f.Kind == orm.Monetary:
		if s, ok := v.(string); ok {
			if _, err := strconv.ParseFloat(strings.TrimSpace(s), 64); err != nil {
				c.fail(at, "field %s: %q is no number", f.Name, s)
			}
		}
	case f.Kind == orm.DateKind:
		if s, ok := v.(string); ok {
			if _, err := orm.ParseDate(s); err != nil {
				c.fail(at, "field %s: %q is not a date YYYY-MM-DD", f.Name, s)
			}
		}
	case f.Kind == orm.DatetimeKind:
		if s, ok := v.(string); ok {
			if _, err := orm.ParseDatetime(s); err != nil {
				c.fail(at, "field %s: %q is not a datetime YYYY-MM-DD HH:MM:SS", f.Name, s)
			}
		}
	}
}

// fitsID checks the model of a record that an expression got from ref().
func (c *dataChecker) fitsID(at place, f *orm.Field, id int64) {
	if k := c.fakes[id-fakeBase]; k != nil && k.model != f.Comodel {
		c.fail(at, "field %s points at %s, but %s is a %s", f.Name, f.Comodel, k.full, k.model)
	}
}

// fakeBase keeps the ids that stand for records apart from small literals.
const fakeBase = 1 << 40

func (c *dataChecker) commands(at place, f *orm.Field, v any) {
	bad := func() {
		c.fail(at, "field %s takes a list of commands such as [(4, ref('…'))] or [(6, 0, [ref('…')])]", f.Name)
	}
	list, ok := v.([]any)
	if !ok {
		bad()
		return
	}
	for _, e := range list {
		if id, ok := e.(int64); ok {
			c.fitsID(at, f, id)
			continue
		}
		cmd, ok := e.([]any)
		if !ok || len(cmd) == 0 || len(cmd) > 3 {
			bad()
			return
		}
		op, ok := cmd[0].(int64)
		if !ok || op < 0 || op > 6 || len(cmd) < 2 && op != orm.CmdClear {
			bad()
			return
		}
		switch op {
		case orm.CmdCreate, orm.CmdUpdate:
			vals, ok := cmd[len(cmd)-1].(map[string]any)
			if !ok {
				bad()
				return
			}
			if co := f.ComodelOf(); co != nil {
				c.dict(at, co, vals)
			}
		case orm.CmdLink, orm.CmdUnlink, orm.CmdDelete:
			if id, ok := cmd[1].(int64); ok {
				c.fitsID(at, f, id)
			} else {
				bad()
			}
		case orm.CmdSet:
			ids, ok := cmd[len(cmd)-1].([]any)
			if !ok {
				bad()
				return
			}
			for _, id := range ids {
				if n, ok := id.(int64); ok {
					c.fitsID(at, f, n)
				}
			}
		}
	}
}

// dict checks the values of a record that a command creates or changes.
func (c *dataChecker) dict(at place, m *orm.Model, vals map[string]any) {
	for _, name := range sortedKeys(vals) {
		f := m.Fields[name]
		if f == nil {
			c.fail(at, "%s has no field %q%s", m.Name, name, expr.DidYouMean(name, m.FieldNames()))
			continue
		}
		c.fitsValue(at, f, vals[name])
	}
}

func sortedKeys(m map[string]any) []string {
	names := make([]string, 0, len(m))
	for k := range m {
		names = append(names, k)
	}
	slices.Sort(names)
	return names
}

// eval checks an expression, and evaluates it unless it needs a database; ok
// says that it did.
func (c *dataChecker) eval(at place, src string, m *orm.Model) (v any, ok bool) {
	p, err := expr.Compile(src)
	if err != nil {
		c.fail(at, "expression: %v", err)
		return nil, false
	}
	for _, name := range p.Names() {
		head, _, _ := strings.Cut(name, ".")
		if head == "obj" && m == nil {
			c.fail(at, "expression %s: obj() needs a model", shorten(src))
			return nil, false
		}
		if head == "obj" || head == "env" {
			return nil, false
		}
	}
	vars := expr.TimeVars(time.Unix(0, 0).UTC())
	vars["DateTime"], vars["uid"], vars["version"] = vars["datetime"], int64(orm.SuperuserID), odooRelease
	vars["ref"] = expr.Func(func(args []any, kw map[string]any) (any, error) {
		full, must, err := refArg(args, kw)
		if err != nil {
			return nil, err
		}
		if full = qualify(full, at.addon); !must && c.ids[full] == nil {
			return nil, nil
		}
		if k := c.ref(at, full); k != nil {
			return fakeBase + k.fake, nil
		}
		return nil, errReported
	})
	vars, err = withOwnIDs(at, src, p, vars, func(name string) (any, error) {
		if k := c.ids[qualify(name, at.addon)]; k != nil {
			return fakeBase + k.fake, nil
		}
		return nil, nil
	})
	if err != nil {
		c.failErr(at, err)
		return nil, false
	}
	v, err = p.Eval(vars)
	if errors.Is(err, errReported) {
		return nil, false
	}
	if err != nil {
		c.fail(at, "expression: %v", err)
		return nil, false
	}
	return wire(v), true
}

var errReported = errors.New("this mistake is reported already")

func (c *dataChecker) domain(at place, model, src string) {
	for _, err := range view.CheckDomain(c.schema, model, src) {
		c.fail(at, "domain %s: %v", shorten(strings.TrimSpace(src)), err)
	}
}

func (c *dataChecker) search(at place, f *orm.Field, v fieldValue) {
	name := v.model
	if name == "" {
		name = f.Comodel
	}
	if name == "" {
		c.fail(at, "field %s is a %s; search= needs model=", f.Name, f.Kind)
		return
	}
	m := c.model(at, name)
	if m == nil {
		return
	}
	if v.use != "" && m.Fields[v.use] == nil {
		c.fail(at, "use=%q: %s has no such field%s", v.use, m.Name, expr.DidYouMean(v.use, m.FieldNames()))
	}
	c.domain(at, m.Name, v.text)
}

func (c *dataChecker) file(at place, name string) {
	if c.addon.FS == nil {
		return
	}
	if _, _, err := findFile(c.addon.FS, at, name); err != nil {
		c.failErr(at, err)
	}
}

// markup checks the records that XML names.
func (c *dataChecker) markup(at place, text string) {
	for _, match := range markupRef.FindAllStringSubmatch(text, -1) {
		if match[1] != "" {
			c.ref(at, qualify(match[1], at.addon))
		}
	}
}

func (c *dataChecker) cell(at place, f *orm.Field, text string) {
	trimmed := strings.TrimSpace(text)
	if trimmed == "" {
		return
	}
	switch {
	case f.Kind == orm.Boolean:
		if _, err := truthOf(trimmed); err != nil {
			c.fail(at, "column %s: %v", f.Name, err)
		}
	case f.Kind == orm.Selection:
		if len(f.Options) > 0 && !slices.ContainsFunc(f.Options, func(o orm.Option) bool { return o.Value == trimmed || o.Label == trimmed }) {
			c.failErr(at, badOption(at, f, f.Options, trimmed))
		}
	case !f.Relational():
		c.fitsValue(at, f, trimmed)
	}
}

func (c *dataChecker) lines(at place, f *orm.Field, v fieldValue) {
	co := f.ComodelOf()
	if !f.X2many() || co == nil {
		c.fail(at, "column %s/… needs a one2many; %s is a %s", f.Name, f.Name, f.Kind)
		return
	}
	for _, line := range v.lines {
		for _, cell := range line {
			at := at
			at.line = cell.line
			if strings.Contains(cell.name, "/") {
				c.fail(at, "column %s/%s goes too deep; one level of lines can be loaded", f.Name, cell.name)
				continue
			}
			cf, err := fieldOf(at, co, cell.name)
			if err != nil {
				c.failErr(at, err)
				continue
			}
			c.value(at, nil, co, cf, cell)
		}
	}
}

// special checks what the records of some models say in plain text.
func (c *dataChecker) special(r *record, m *orm.Model, given map[string]any) {
	text := func(name string) string {
		s, _ := given[name].(string)
		return strings.TrimSpace(s)
	}
	at := func(name string) place {
		for _, v := range r.fields {
			if v.name == name {
				return r.sub(v.line)
			}
		}
		return r.place
	}
	about := "" // the model that a record of ir.model describes
	if k, ok := given["model_id"].(*knownID); ok {
		about = k.target
	}
	switch m.Name {
	case "ir.rule":
		if dom := text("domain_force"); dom != "" && about != "" {
			c.domain(at("domain_force"), about, dom)
		}
	case "ir.actions.act_window":
		on := text("res_model")
		if on == "" || c.model(at("res_model"), on) == nil {
			break
		}
		if dom := text("domain"); dom != "" {
			c.domain(at("domain"), on, dom)
		}
		for _, mode := range strings.Split(text("view_mode"), ",") {
			if mode = strings.TrimSpace(mode); mode != "" && mode != "tree" && !slices.Contains(view.Kinds(), mode) {
				c.fail(at("view_mode"), "unknown kind of view %q%s", mode, expr.DidYouMean(mode, view.Kinds()))
			}
		}
		if src := text("context"); src != "" {
			if _, err := expr.Compile(src); err != nil {
				c.fail(at("context"), "context: %v", err)
			}
		}
	case "ir.cron", "ir.actions.server":
		code := text("code")
		on, ok := c.reg.Model(about)
		if code == "" || !ok || text("state") != "" && text("state") != "code" {
			break
		}
		if err := expr.CheckCall(code, on.Methods()); err != nil {
			c.fail(at("code"), "code on %s: %v", on.Name, err)
		}
	case "ir.ui.menu":
		if given["name"] == nil && c.ids[r.id].at == r.place {
			c.fail(r.place, "a menu needs a name=, or an action= to take it from")
		}
	case "ir.ui.view":
		c.view(r, given)
	}
}
