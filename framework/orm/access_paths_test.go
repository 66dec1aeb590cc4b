package orm_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/importexport"
	"fusionsoft.ca/fusion/framework/orm"
)

// check compares one user's reading with the reference.
type check struct {
	*world
	t    *testing.T
	env  *orm.Env
	seen func(model string, r *row) bool
}

const papers = "vault.paper"

// found are the papers that may be seen and satisfy a domain, by id.
func (c *check) found(d *cond) []int64 {
	out := []int64{}
	for _, id := range c.ids[papers] {
		if r := c.rows[papers][id]; c.seen(papers, r) && (d == nil || c.holds(papers, r, d, c.seen)) {
			out = append(out, id)
		}
	}
	return out
}

// only keeps what may be seen of another model.
func (c *check) only(model string, ids []int64) []int64 {
	out := []int64{}
	for _, id := range ids {
		if c.seen(model, c.rows[model][id]) {
			out = append(out, id)
		}
	}
	slices.Sort(out)
	return out
}

func (c *check) same(what string, got, want any) {
	c.t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		c.t.Errorf("%s: %s, want %s", what, g, w)
	}
}

func (c *check) ok(what string, err error) bool {
	c.t.Helper()
	if err != nil {
		c.t.Errorf("%s: %v", what, err)
	}
	return err == nil
}

func (c *check) papers() {
	rs := c.env.Model(papers)
	for range 6 {
		d := c.random(papers, 2)
		dom := d.domain()
		want := c.found(d)
		what := python(dom)
		got, err := rs.Search(dom, orm.SearchOptions{})
		if !c.ok("search "+what, err) {
			return
		}
		c.same("search "+what, got.IDs, want)
		n, err := rs.SearchCount(dom, 0)
		c.ok("search_count", err)
		c.same("search_count "+what, n, len(want))
		c.ordered(dom, want)
		c.named(d, dom)
		c.grouped(dom, want)
	}
	c.read()
	c.exported()
	c.changed()
	c.reserved()
}

// ordered sorts by a field, by the order of another model, and pages.
func (c *check) ordered(dom orm.Domain, want []int64) {
	rs := c.env.Model(papers)
	sorted := slices.Clone(want)
	slices.SortStableFunc(sorted, func(a, b int64) int { return c.rows[papers][b].level - c.rows[papers][a].level })
	for from := 0; from < len(sorted); from += 5 {
		page, err := rs.Search(dom, orm.SearchOptions{Order: "level desc, id", Limit: 5, Offset: from})
		c.ok("page", err)
		c.same("page", page.IDs, sorted[from:min(from+5, len(sorted))])
	}
	for _, order := range []string{"team_id", "team_id desc, name", "parent_id.level, id", "team_id.level desc"} {
		got, err := rs.Search(dom, orm.SearchOptions{Order: order})
		if err != nil {
			continue // sorting along a path may be refused
		}
		ids := slices.Clone(got.IDs)
		slices.Sort(ids)
		c.same("order by "+order, ids, want)
	}
}

// named searches by name and reads names.
func (c *check) named(d *cond, dom orm.Domain) {
	names, err := c.env.Model(papers).NameSearch("a", dom, "ilike", 0)
	c.ok("name_search", err)
	var got, want []string
	for _, n := range names {
		got = append(got, fmt.Sprint(n.ID, n.Name))
	}
	for _, id := range c.found(d) {
		if r := c.rows[papers][id]; strings.Contains(r.name, "a") {
			want = append(want, fmt.Sprint(id, r.name))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	c.same("name_search in "+python(dom), got, want)
}

// grouped counts and sums by a field, a record and tags.
func (c *check) grouped(dom orm.Domain, want []int64) {
	for _, by := range []string{"level", "team_id", "tag_ids", "parent_id"} {
		groups, err := c.env.Model(papers).ReadGroup(dom, []string{by}, []string{"amount:sum", "id:count_distinct"}, orm.GroupOptions{})
		if !c.ok("read_group by "+by, err) {
			continue
		}
		got, expect := map[string]string{}, map[string]string{}
		count, sum := map[string]int{}, map[string]float64{}
		for _, g := range groups {
			got[groupName(g.Keys[0])] = fmt.Sprint(g.Count, " ", g.Values["amount:sum"])
			in, err := c.env.Model(papers).Search(g.Domain, orm.SearchOptions{})
			c.ok("domain of a group", err)
			if in.Len() != g.Count {
				c.t.Errorf("group %v by %s counts %d, its domain finds %d", g.Keys, by, g.Count, in.Len())
			}
		}
		for _, id := range want {
			r := c.rows[papers][id]
			keys := []int64{int64(r.level)}
			if by != "level" {
				keys = r.linked(by)
			}
			if by == "tag_ids" {
				keys = c.only("vault.tag", keys)
			}
			if len(keys) == 0 {
				keys = []int64{0}
			}
			for _, k := range keys {
				name := fmt.Sprint(k)
				if k == 0 && by != "level" {
					name = "none"
				}
				count[name]++
				sum[name] += r.amount
			}
		}
		for k := range count {
			expect[k] = fmt.Sprint(count[k], " ", sum[k])
		}
		c.same("read_group by "+by, got, expect)
	}
	all, err := c.env.Model(papers).ReadGroup(dom, nil, []string{"__count", "level:max"}, orm.GroupOptions{})
	if c.ok("totals", err) && len(all) == 1 {
		c.same("total", all[0].Count, len(want))
	}
}

func groupName(key any) string {
	switch k := key.(type) {
	case nil:
		return "none"
	case bool:
		return "none"
	default:
		return fmt.Sprint(k)
	}
}

// read reads every paper: those to be seen as they are, the others not at all.
func (c *check) read() {
	rs := c.env.Model(papers)
	visible := c.found(nil)
	fields := []string{"name", "level", "team_id", "parent_id", "child_ids", "tag_ids", "display_name"}
	rows, err := rs.Browse(visible...).ReadWire(fields, false)
	if !c.ok("read", err) {
		return
	}
	for i, id := range visible {
		r := c.rows[papers][id]
		children, _ := rows[i]["child_ids"].([]int64)
		tags, _ := rows[i]["tag_ids"].([]int64)
		slices.Sort(tags)
		c.same("read", fmt.Sprint(rows[i]["name"], rows[i]["level"], rows[i]["team_id"], rows[i]["parent_id"], rows[i]["display_name"], children, tags),
			fmt.Sprint(r.name, r.level, idOrFalse(r.team), idOrFalse(r.parent), r.name, c.only(papers, r.children), c.only("vault.tag", r.set)))
	}
	for _, id := range c.ids[papers] {
		if slices.Contains(visible, id) {
			continue
		}
		hidden := rs.Browse(append(visible[:len(visible):len(visible)], id)...)
		_, read := hidden.ReadWire([]string{"name"}, true)
		_, names := hidden.DisplayNames()
		_, exported := importexport.Export(hidden, []string{"name"})
		_, copied := rs.Browse(id).Copy(nil)
		for what, err := range map[string]error{"read": read, "names": names, "export": exported, "copy": copied, "check": hidden.CheckAccess(orm.OpRead)} {
			if !orm.IsCode(err, orm.CodeAccess) {
				c.t.Errorf("%s of paper %d, which is hidden: %v", what, id, err)
			}
		}
		left, err := hidden.Filter(nil)
		c.ok("filter", err)
		c.same("filter", left.IDs, visible)
		break
	}
}

// exported follows fields into other models.
func (c *check) exported() {
	visible := c.found(nil)
	rows, err := importexport.Export(c.env.Model(papers).Browse(visible...), []string{".id", "child_ids/.id", "child_ids/name"})
	if !c.ok("export", err) {
		return
	}
	var got, want []string
	for _, r := range rows {
		if id := fmt.Sprint(r[1]); id != "" && id != "false" {
			got = append(got, id)
		}
	}
	for _, id := range visible {
		for _, child := range c.only(papers, c.rows[papers][id].children) {
			want = append(want, fmt.Sprint(child))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	c.same("export of children", got, want)
}

// changed tries to change and delete what is hidden.
func (c *check) changed() {
	visible := c.found(nil)
	for _, id := range c.ids[papers] {
		if slices.Contains(visible, id) {
			continue
		}
		rs := c.env.Model(papers).Browse(id)
		for what, err := range map[string]error{"write": rs.Write(orm.Values{"name": "x"}), "unlink": rs.Unlink()} {
			if !orm.IsCode(err, orm.CodeAccess) {
				c.t.Errorf("%s of paper %d, which is hidden: %v", what, id, err)
			}
		}
		return
	}
}

// reserved tries every way to a field of another group.
func (c *check) reserved() {
	rs := c.env.Model(papers)
	team := c.env.Model("vault.team")
	visible := c.found(nil)
	_, read := rs.Browse(visible...).ReadWire([]string{"secret"}, true)
	_, domain := rs.Search(orm.Leaf("secret", "=", "hush"), orm.SearchOptions{})
	_, path := team.Search(orm.Leaf("paper_ids.secret", "=", "hush"), orm.SearchOptions{})
	_, deep := team.Search(orm.Leaf("paper_ids", "any", []any{[]any{"secret", "=", "hush"}}), orm.SearchOptions{})
	_, order := rs.Search(nil, orm.SearchOptions{Order: "secret"})
	_, group := rs.ReadGroup(nil, []string{"secret"}, nil, orm.GroupOptions{})
	_, total := rs.ReadGroup(nil, nil, []string{"secret:max"}, orm.GroupOptions{})
	_, export := importexport.Export(rs.Browse(visible...), []string{"secret"})
	_, linked := importexport.Export(rs.Browse(visible...), []string{"child_ids/secret"})
	_, create := rs.Create(orm.Values{"name": "x", "secret": "y"})
	for what, err := range map[string]error{"read": read, "search": domain, "path": path, "any": deep, "order": order, "group": group, "aggregate": total,
		"export": export, "export along a path": linked, "create": create, "write": rs.Browse(visible...).Write(orm.Values{"secret": "x"})} {
		if len(visible) == 0 && (what == "read" || strings.HasPrefix(what, "export") || what == "write") {
			continue
		}
		if !orm.IsCode(err, orm.CodeAccess) {
			c.t.Errorf("%s of a field of another group: %v", what, err)
		}
	}
	info, err := rs.FieldsGet(nil, nil)
	if c.ok("fields_get", err) && info["secret"] != nil {
		c.t.Error("fields_get tells of a field of another group")
	}
	if all, err := rs.Browse(visible...).Read(); c.ok("read of all", err) && len(all) > 0 {
		if _, told := all[0]["secret"]; told {
			c.t.Error("a field of another group is read with the rest")
		}
	}
	if defaults, err := c.env.WithContext(map[string]any{"default_secret": "x"}).Model(papers).DefaultGet("name", "secret"); c.ok("default_get", err) {
		if _, told := defaults["secret"]; told {
			c.t.Error("default_get gives a field of another group")
		}
	}
}
