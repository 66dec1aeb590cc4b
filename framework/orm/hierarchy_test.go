package orm

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

type branch struct {
	Record `orm:"s.node" label:"Node" order:"id"`
	Name   string      `orm:"name"`
	Parent Ref[branch] `orm:"parent_id,ondelete=restrict"`
	Path   string      `orm:"parent_path"`
}

type leafOf struct {
	Record `orm:"s.leaf"`
	Name   string      `orm:"name"`
	Node   Ref[branch] `orm:"node_id"`
}

// TestHierarchyOfManyRows works on a tree of 100,000 nodes: 10 roots, below each
// 100 branches, below each of those 99 or 100 leaves.
func TestHierarchyOfManyRows(t *testing.T) {
	const rows = 100_000
	db := testDBOf(t, registryOf(t, func(r *Registry) { Define[branch](r); Define[leafOf](r) }))
	run := func(fn func(e *Env) error) {
		t.Helper()
		if err := db.Run(t.Context(), System(), fn); err != nil {
			t.Fatal(err)
		}
	}
	run(func(e *Env) error {
		if _, err := e.Exec(SQL(`INSERT INTO s_node (id, name, parent_id, parent_path)
			SELECT i, 'n' || i, p, concat(g || '/', p || '/', i || '/') FROM (
				SELECT i, CASE WHEN i <= 10 THEN NULL WHEN i <= 1010 THEN (i - 11) / 100 + 1 ELSE (i - 1011) % 1000 + 11 END AS p,
					CASE WHEN i > 1010 THEN ((i - 1011) % 1000) / 100 + 1 END AS g
				FROM generate_series(1, ?) AS i) x`, rows)); err != nil {
			return err
		}
		_, err := e.Exec(SQL("ANALYZE s_node"))
		return err
	})
	run(func(e *Env) error {
		nodes := e.Model("s.node")
		q, err := nodes.searchQuery(Leaf("id", "child_of", 15), SearchOptions{})
		if err != nil {
			return err
		}
		var plan []string
		if err := e.each(sqlf("EXPLAIN ?", q), func(r [][]byte) error { plan = append(plan, string(r[0])); return nil }); err != nil {
			return err
		}
		if text := strings.Join(plan, "\n"); !strings.Contains(text, "s_node_parent_path_index") || strings.Contains(text, "Seq Scan") {
			t.Errorf("child_of does not go by parent_path:\n%s", text)
		}
		for _, d := range []Domain{Leaf("id", "child_of", 15), Leaf("id", "child_of", 1), Leaf("id", "child_of", []any{15, 1011}),
			Leaf("id", "child_of", []any{15, 1}), Leaf("id", "child_of", 100), Leaf("id", "child_of", 10), Leaf("id", "parent_of", 1015)} {
			n, err := nodes.SearchCount(d, 0)
			if err != nil {
				return err
			}
			// Against the same by recursion.
			op, ids := d[0].([]any)[1], d[0].([]any)[2]
			list, ok := ids.([]any)
			if !ok {
				list = []any{ids}
			}
			join := "n.parent_id = h.id"
			if op == "parent_of" {
				join = "n.id = h.parent_id"
			}
			var in []string
			for _, id := range list {
				in = append(in, fmt.Sprint(id))
			}
			want, err := texts(e, "WITH RECURSIVE h(id, parent_id) AS (SELECT id, parent_id FROM s_node WHERE id IN ("+strings.Join(in, ",")+") UNION SELECT n.id, n.parent_id FROM s_node n JOIN h ON "+join+") SELECT count(*) FROM h")
			if err != nil {
				return err
			}
			if fmt.Sprint(n) != want[0][0] {
				t.Errorf("%v: %d, by recursion %s", d, n, want[0][0])
			}
		}
		return nil
	})
	run(func(e *Env) error {
		// A branch moves with all below it, in a number of statements that does not
		// depend on how many those are.
		nodes := e.Model("s.node")
		before := e.Queries()
		if err := nodes.Browse(15).Write(Values{"parent_id": 9}); err != nil {
			return err
		}
		if err := e.Flush(); err != nil {
			return err
		}
		small := e.Queries() - before
		before = e.Queries()
		if err := nodes.Browse(2).Write(Values{"parent_id": 3}); err != nil { // some 10,000 rows
			return err
		}
		if err := e.Flush(); err != nil {
			return err
		}
		if large := e.Queries() - before; large > small {
			t.Errorf("moving a large branch took %d statements, a small one %d", large, small)
		}
		wrong, err := texts(e, `WITH RECURSIVE h(id, path) AS (SELECT id, id || '/' FROM s_node WHERE parent_id IS NULL
			UNION ALL SELECT n.id, h.path || n.id || '/' FROM s_node n JOIN h ON n.parent_id = h.id)
			SELECT count(*) FROM s_node n LEFT JOIN h ON h.id = n.id WHERE n.parent_path IS DISTINCT FROM h.path`)
		if err != nil {
			return err
		}
		if wrong[0][0] != "0" {
			t.Errorf("%s paths are wrong after moving branches", wrong[0][0])
		}
		for _, into := range []int64{3, 2, 111, 1111} { // itself and what is below
			if err := e.Savepoint(func(e *Env) error { return e.Model("s.node").Browse(3).Write(Values{"parent_id": into}) }); into != 1111 && CodeOf(err) != CodeUser {
				t.Errorf("3 below %d: %v", into, err)
			}
		}
		return nil
	})
	run(func(e *Env) error {
		// Through a many2one, and what a rule would say, the same index serves.
		leaf, err := e.Model("s.leaf").Create(Values{"name": "a", "node_id": 1015}, Values{"name": "b", "node_id": 1016})
		if err != nil {
			return err
		}
		found, err := e.Model("s.leaf").Search(Leaf("node_id", "child_of", 15), SearchOptions{})
		if err != nil || !slices.Equal(found.IDs, leaf.IDs[:1]) {
			t.Errorf("%v, %v", found, err)
		}
		return nil
	})
}
