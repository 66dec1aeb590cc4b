package view_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"fusionsoft.ca/fusion/framework/view"
)

var update = flag.Bool("update", false, "write the golden files")

// schema is a small registry: "model" → "field" → "type[ comodel]".
type schema map[string]map[string]string

func testSchema() schema {
	base := func(m map[string]string) map[string]string {
		m["id"], m["create_date"], m["active"] = "integer", "datetime", "boolean"
		return m
	}
	return schema{
		"sale.order": base(map[string]string{"name": "char", "state": "selection", "locked": "boolean", "invoice_count": "integer",
			"partner_id": "many2one res.partner", "validity_date": "date", "date_order": "datetime", "currency_id": "many2one res.currency",
			"order_line": "one2many sale.order.line", "amount_total": "monetary", "user_id": "many2one res.users", "note": "html",
			"woo_instance_id": "many2one woo.instance", "woo_status": "char"}),
		"sale.order.line": base(map[string]string{"sequence": "integer", "product_id": "many2one product.product", "qty": "float",
			"price_unit": "float", "tag_ids": "many2many res.partner", "woo_line_id": "char"}),
		"res.partner":  base(map[string]string{"name": "char", "email": "char", "is_company": "boolean", "country_id": "many2one res.country"}),
		"res.country":  base(map[string]string{"code": "char", "name": "char"}),
		"res.currency": base(map[string]string{}), "res.users": base(map[string]string{}), "product.product": base(map[string]string{}),
		"woo.instance": base(map[string]string{"name": "char", "url": "char", "state": "selection", "mapped_count": "integer"}),
	}
}

func (s schema) Model(m string) bool { return s[m] != nil }
func (s schema) Field(m, f string) (view.FieldInfo, bool) {
	t, ok := s[m][f]
	typ, co, _ := strings.Cut(t, " ")
	return view.FieldInfo{Type: typ, Comodel: co}, ok
}
func (s schema) FieldNames(m string) []string {
	var out []string
	for f := range s[m] {
		out = append(out, f)
	}
	sort.Strings(out)
	return out
}
func (s schema) MethodNames(string) []string {
	return []string{"action_confirm", "action_cancel", "action_push", "action_sync", "action_view_invoice"}
}
func (s schema) Method(m, n string) bool { return slices.Contains(s.MethodNames(m), n) }
func (s schema) Groups() []string        { return []string{"base.group_user", "base.group_portal"} }
func (s schema) Group(g string) bool     { return slices.Contains(s.Groups(), g) }
func (s schema) Actions() []string       { return []string{"sale.action_report"} }
func (s schema) Action(a string) bool    { return slices.Contains(s.Actions(), a) }

func load(t *testing.T, name, id, model string) *view.Arch {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name+".xml"))
	if err != nil {
		t.Fatal(err)
	}
	a, err := view.Parse(src, view.Source{View: id, Model: model, File: name + ".xml"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func build(t *testing.T, a *view.Arch) *view.View {
	t.Helper()
	v, err := view.Build(a)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s:\n%s", name, d)
	}
}

func TestGoodViewsAreValid(t *testing.T) {
	t.Parallel()
	for name, model := range map[string]string{"sale_order_form": "sale.order", "partner_search": "res.partner",
		"woo_instance_list": "woo.instance", "woo_instance_kanban": "woo.instance"} {
		v := build(t, load(t, name, "x."+name, model))
		if err := view.Validate(v, testSchema(), view.Options{}); err != nil {
			t.Errorf("%s:\n%v", name, err)
		}
	}
}

func TestInheritance(t *testing.T) {
	t.Parallel()
	base := load(t, "sale_order_form", "sale.view_order_form", "sale.order")
	before := base.XML()
	got, err := view.Apply(base, load(t, "woo_sale_order_ext", "woo.ext", ""), load(t, "woo_sale_order_ext2", "woo.ext2", ""))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "sale_order_form.golden", got.XML()+"\n")
	if base.XML() != before {
		t.Error("the base was changed")
	}
	v := build(t, got)
	if err := view.Validate(v, testSchema(), view.Options{}); err != nil {
		t.Error(err)
	}
	for _, f := range v.Fields() {
		if f.Name() == "woo_status" && (f.View != "woo.ext2" || f.File != "woo_sale_order_ext2.xml" || f.Line != 2) {
			t.Errorf("origin of woo_status: %s %s:%d", f.View, f.File, f.Line)
		}
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	for name, model := range map[string]string{"broken_form": "sale.order", "broken_search": "res.partner"} {
		err := view.Validate(build(t, load(t, name, "sale."+name, model)), testSchema(), view.Options{})
		var ps view.Problems
		if !errors.As(err, &ps) {
			t.Fatalf("%v", err)
		}
		golden(t, name+".golden", err.Error()+"\n")
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	const base = `<form><a><field name="x" class="p q" invisible="u"/><b name="n"/></a><c class="k l">t</c></form>`
	for _, tc := range []struct{ name, spec, want string }{
		{"inside is the default", `<b name="n"><i/></b>`, `<form><a><field name="x" class="p q" invisible="u"/><b name="n"><i/></b></a><c class="k l">t</c></form>`},
		{"after keeps order", `<field name="x" position="after"><i/><j/></field>`, `<form><a><field name="x" class="p q" invisible="u"/><i/><j/><b name="n"/></a><c class="k l">t</c></form>`},
		{"move after keeps order", `<c position="after"><i/><b name="n" position="move"/><j/></c>`, `<form><a><field name="x" class="p q" invisible="u"/></a><c class="k l">t</c><i/><b name="n"/><j/></form>`},
		{"replace by nothing", `<a position="replace"/>`, `<form><c class="k l">t</c></form>`},
		{"replace inner moves", `<a position="replace" mode="inner"><b name="n" position="move"/></a>`, `<form><a><b name="n"/></a><c class="k l">t</c></form>`},
		{"wrap", `<b name="n" position="replace"><w>$0</w></b>`, `<form><a><field name="x" class="p q" invisible="u"/><w><b name="n"/></w></a><c class="k l">t</c></form>`},
		{"replace moves what it replaces", `<b name="n" position="replace"><w><b name="n" position="move"/></w></b>`, `<form><a><field name="x" class="p q" invisible="u"/><w><b name="n"/></w></a><c class="k l">t</c></form>`},
		{"replace root", `<form position="replace"><form><z/></form></form>`, `<form><z/></form>`},
		{"replace root wraps", `<xpath expr="/form" position="replace"><form><w>$0</w></form></xpath>`, `<form><w><form><a><field name="x" class="p q" invisible="u"/><b name="n"/></a><c class="k l">t</c></form></w></form>`},
		{"attributes", `<xpath expr="//field" position="attributes"><attribute name="class" add="r" remove="p" separator=" "/><attribute name="invisible" add="v" separator=" and "/><attribute name="z">1</attribute></xpath>`,
			`<form><a><field name="x" class="q r" invisible="(u) and (v)" z="1"/><b name="n"/></a><c class="k l">t</c></form>`},
		{"hasclass", `<xpath expr="//c[hasclass('l')]" position="replace"/>`, `<form><a><field name="x" class="p q" invisible="u"/><b name="n"/></a></form>`},
		{"axis and functions", `<xpath expr="//b[@name='n']/preceding-sibling::field[last()]" position="replace"/>`, `<form><a><b name="n"/></a><c class="k l">t</c></form>`},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			got, err := apply(base, tc.spec)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tc.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func apply(base, spec string) (string, error) {
	b, err := view.Parse([]byte(base), view.Source{View: "m.base", File: "b.xml"})
	if err != nil {
		return "", err
	}
	e, err := view.Parse([]byte(spec), view.Source{View: "m.ext", File: "e.xml", Line: 10})
	if err != nil {
		return "", err
	}
	out, err := view.Apply(b, e)
	if err != nil {
		return "", err
	}
	return out.XML(), nil
}

func TestApplyErrors(t *testing.T) {
	t.Parallel()
	const base = `<form><page name="orders"><field name="partner_id" required="1"/></page></form>`
	for spec, want := range map[string]string{
		"<data>\n<xpath expr=\"//field[@name='partner']\" position=\"after\"/></data>":                `e.xml:11: view m.ext: xpath "//field[@name='partner']" is not found in view m.base (did you mean "partner_id"?)`,
		`<xpath expr="//page[@name='order']/field[@name='partner_id']"/>`:                             `(did you mean "orders"?)`,
		`<page name="order" position="after"/>`:                                                       `<page name="order"> is not found in view m.base (did you mean "orders"?)`,
		`<field name="partner_id" position="befor"/>`:                                                 `unknown position "befor" (did you mean "before"?)`,
		`<xpath expr="//field[" position="after"/>`:                                                   `xpath "//field["`,
		`<xpath position="after"/>`:                                                                   `has no expr`,
		`<form position="after"><x/></form>`:                                                          `after the root element`,
		`<form position="replace"/>`:                                                                  `replaced by one element, not 0`,
		`<field name="partner_id" position="attributes"><x/></field>`:                                 `only <attribute`,
		`<field name="partner_id" position="attributes"><attribute name="required" add="x"/></field>`: `separator must be`,
		`<field name="partner_id" position="inside"><page name="orders" position="move"/></field>`:    `moved into itself`,
		`<page name="a"/><page name="b"/>`:                                                            "\n",
		`<form><`:                                                                                     `not well-formed`,
		``:                                                                                            `empty`,
		`<a x="1" x="2"/>`:                                                                            `twice`,
	} {
		_, err := apply(base, spec)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s:\n got %v\nwant %s", spec, err, want)
		}
	}
}

func TestTree(t *testing.T) {
	t.Parallel()
	v := build(t, load(t, "sale_order_form", "sale.f", "sale.order"))
	if v.Kind != "form" || len(v.Fields()) != 11 {
		t.Errorf("%s with %d fields", v.Kind, len(v.Fields()))
	}
	if got := strings.Join(v.FieldNames(), " "); got != "state locked invoice_count name partner_id validity_date date_order currency_id order_line amount_total user_id note" {
		t.Error(got)
	}
	for _, f := range v.Fields() {
		if f.Name() != "order_line" {
			continue
		}
		sub := f.SubViews()
		if len(sub) != 2 || len(sub["list"].Elements("field")) != 5 || sub["list"].Attr("editable") != "bottom" || f.Line != 36 {
			t.Errorf("sub views %v of line %d", sub, f.Line)
		}
	}
	if p := v.Root.Find("page"); len(p) != 2 || p[1].Attr("string") != "Other Info" {
		t.Errorf("%v", p)
	}
	if l := build(t, load(t, "woo_instance_list", "w.l", "woo.instance")); l.Kind != "list" {
		t.Error(l.Kind)
	}
}

func TestSearch(t *testing.T) {
	t.Parallel()
	s := build(t, load(t, "partner_search", "c.s", "res.partner")).Search()
	var got []string
	for _, f := range s.Filters {
		got = append(got, strings.Join([]string{f.Name, f.Date, f.GroupBy, string(rune('0' + f.Group))}, "|"))
	}
	want := []string{"inactive|||0", "companies|||0", "created|create_date||1", "recent|||1", "by_country||country_id|2", "by_month||create_date:month|2"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if len(s.Fields) != 2 || s.Fields[1].Operator != "child_of" || s.Fields[0].FilterDomain == "" {
		t.Errorf("%+v", s.Fields)
	}
}

func TestCheckPath(t *testing.T) {
	t.Parallel()
	s := testSchema()
	for path, want := range map[string]string{
		"partner_id.country_id.code": "", "create_date.month_number": "", "order_line.product_id": "",
		"partner_id.cuntry_id": `unknown field "cuntry_id" of res.partner (did you mean "country_id"?)`,
		"name.x":               "is no relation", "": "unknown field",
	} {
		_, err := view.CheckPath(s, "sale.order", path)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
	errs := view.CheckDomain(s, "sale.order", "[('order_line', 'any', [('qtty', '>', 0)]), ('nme', '=', user.x)]")
	if len(errs) != 2 || !strings.Contains(errs[0].Error(), `did you mean "qty"`) {
		t.Error(errs)
	}
}

func FuzzApply(f *testing.F) {
	ext, err := os.ReadFile("testdata/woo_sale_order_ext.xml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(`<form><field name="x"/></form>`, `<xpath expr="//field[hasclass('a')]" position="replace"><b>$0</b></xpath>`)
	f.Add(`<form><a/><b/></form>`, `<a position="replace"><b position="move"/></a>`)
	f.Add(`<list><field name="name" invisible="a &lt; b"/></list>`, string(ext))
	f.Fuzz(func(t *testing.T, base, spec string) {
		b, err := view.Parse([]byte(base), view.Source{View: "m.b", Model: "sale.order"})
		if err != nil {
			return
		}
		if e, err := view.Parse([]byte(spec), view.Source{View: "m.e"}); err == nil {
			if out, err := view.Apply(b, e); err == nil {
				b = out
			}
		}
		if _, err := view.Parse([]byte(b.XML()), view.Source{}); err != nil && !strings.Contains(err.Error(), "deep") {
			t.Fatalf("what was written cannot be read: %v\n%s", err, b.XML())
		}
		if v, err := view.Build(b); err == nil {
			_ = view.Validate(v, testSchema(), view.Options{})
			_, _ = v.Search(), v.FieldNames()
		}
	})
}
