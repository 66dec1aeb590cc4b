package orm

import (
	"context"
	"fmt"
	"testing"
)

type diary struct {
	Record `orm:"t.diary" order:"id"`
	Title  string `orm:"title"`
	Pages  int    `orm:"pages"`
}

// What a model's own search hides is neither counted nor summed.
func TestCountsFollowTheModelsSearch(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	r.Begin("t")
	Define[diary](r).OnSearch(func(super SearchFunc) SearchFunc {
		return func(rs Records, d Domain, o SearchOptions) ([]int64, error) {
			return super(rs, And(d, Leaf("title", "!=", "secret")), o)
		}
	})
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e := must[*Env](t)(testDBOf(t, r).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	rs := e.Model("t.diary")
	must[Records](t)(rs.Create(Values{"title": "a", "pages": 1}, Values{"title": "secret", "pages": 10}, Values{"title": "b", "pages": 2}, Values{"title": "c", "pages": 4}))
	if n := must[int](t)(rs.SearchCount(Leaf("pages", ">", 1), 0)); n != 2 {
		t.Errorf("%d records are counted", n)
	}
	if n := must[int](t)(rs.SearchCount(nil, 2)); n != 2 {
		t.Errorf("%d records are counted up to 2", n)
	}
	groups := must[[]Group](t)(rs.ReadGroup(nil, nil, []string{"pages:sum"}, GroupOptions{}))
	if len(groups) != 1 || groups[0].Count != 3 || fmt.Sprint(groups[0].Values["pages:sum"]) != "7" {
		t.Errorf("groups: %+v", groups)
	}
}

// What cannot be summed, and what is secret, is refused in words.
func TestSenselessAggregatesAreRefused(t *testing.T) {
	t.Parallel()
	e := must[*Env](t)(testDB(t).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	rs := e.Model("t.person")
	must[Records](t)(rs.Create(Values{"name": "Ann", "token": "s3cret", "age": 7}))
	for _, spec := range []string{"name:sum", "born:avg", "active:min", "age:bool_or", "parent_id:sum", "token:max", "token:array_agg", "age:no_such", "no_such:sum"} {
		err := e.Savepoint(func(*Env) error {
			_, err := rs.ReadGroup(nil, nil, []string{spec}, GroupOptions{})
			return err
		})
		if !IsCode(err, CodeValue) {
			t.Errorf("%s: %v", spec, err)
		}
	}
	_, grouped := rs.ReadGroup(nil, []string{"token"}, nil, GroupOptions{})
	_, sorted := rs.Search(nil, SearchOptions{Order: "token"})
	_, found := rs.Search(Leaf("token", "like", "s3"), SearchOptions{})
	for what, err := range map[string]error{"group": grouped, "order": sorted, "domain": found} {
		if err == nil {
			t.Errorf("%s by a secret", what)
		}
	}
	g := must[[]Group](t)(rs.ReadGroup(nil, nil, []string{"age:sum", "age:avg", "active:bool_and", "born:max", "name:min", "id:count_distinct", "parent_id:count"}, GroupOptions{}))
	if v := g[0].Values; fmt.Sprintf("%v %v %v", v["age:sum"], v["active:bool_and"], v["name:min"]) != "7 true Ann" {
		t.Errorf("groups: %+v", g)
	}
}
