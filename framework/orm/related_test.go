package orm

import (
	"context"
	"fmt"
	"testing"
)

type relatedSheet struct {
	Record `orm:"t.sheet"`
	Name   string            `orm:"name"`
	State  string            `orm:"state"`
	Owner  Ref[relatedOwner] `orm:"owner_id"`
	Lines  Many[relatedLine] `orm:"line_ids,inverse=sheet_id"`
}

type relatedOwner struct {
	Record `orm:"t.owner"`
	Name   string `orm:"name"`
	City   string `orm:"city"`
}

type relatedLine struct {
	Record `orm:"t.sheet.line"`
	Sheet  Ref[relatedSheet] `orm:"sheet_id"`
	Name   string            `orm:"name,related=sheet_id.name,store"`
	State  string            `orm:"state,related=sheet_id.state,store"`
	Owner  Ref[relatedOwner] `orm:"owner_id,related=sheet_id.owner_id,store"`
	City   string            `orm:"city,related=sheet_id.owner_id.city,store"`
	OfLine string            `orm:"owner_name,related=owner_id.name,store"`
}

// Stored related fields are read and written together, those of a path's
// beginning with those of its end.
func TestStoredRelatedFieldsTogether(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	r.Begin("t")
	Define[relatedSheet](r)
	Define[relatedOwner](r)
	Define[relatedLine](r)
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	db := testDBOf(t, r)
	e := must[*Env](t)(db.Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	check := func(ids []int64, want string) {
		t.Helper()
		got := ""
		for _, l := range must[[]*relatedLine](t)(Read[relatedLine](e, ids)) {
			got += fmt.Sprintf("%s/%s/%s/%s ", l.Name, l.State, l.City, l.OfLine)
		}
		if got != want {
			t.Errorf("lines are %q, want %q", got, want)
		}
	}
	owner := must[Records](t)(e.Model("t.owner").Create(Values{"name": "Ann", "city": "Gand"}))
	sheet := must[Records](t)(e.Model("t.sheet").Create(Values{"name": "S1", "state": "draft", "owner_id": owner.ID(), "line_ids": []Command{CreateLine(Values{}), CreateLine(Values{})}}))
	lines := must[*relatedSheet](t)(Get[relatedSheet](e, sheet.ID(), "line_ids")).Lines.IDs()
	check(lines, "S1/draft/Gand/Ann S1/draft/Gand/Ann ")

	before := e.Queries()
	if err := sheet.Write(Values{"name": "S2", "state": "done", "owner_id": nil}); err != nil {
		t.Fatal(err)
	}
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	// The sheet and what leads to its lines; then for the related
	// fields what exists, the old values, the two steps, the new values; and
	// again for the one that follows from another.
	if n := e.Queries() - before; n > 12 {
		t.Errorf("five related fields of two lines took %d statements", n)
	}
	check(lines, "S2/done// S2/done// ")
	if err := owner.Write(Values{"name": "Bo"}); err != nil {
		t.Fatal(err)
	}
	if err := sheet.Write(Values{"owner_id": owner.ID()}); err != nil {
		t.Fatal(err)
	}
	check(lines, "S2/done/Gand/Bo S2/done/Gand/Bo ")
	loose := must[Records](t)(e.Model("t.sheet.line").Create(Values{}))
	check(loose.IDs, "/// ")
	if err := loose.Write(Values{"sheet_id": sheet.ID()}); err != nil {
		t.Fatal(err)
	}
	check(loose.IDs, "S2/done/Gand/Bo ")
}
