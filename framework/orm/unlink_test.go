package orm

import (
	"context"
	"testing"
)

type bill struct {
	Record `orm:"t.bill"`
	Lines  Many[billLine] `orm:"line_ids,inverse=bill_id"`
	Total  int            `orm:"total,store"`
}

type billLine struct {
	Record `orm:"t.bill.line"`
	Bill   Ref[bill] `orm:"bill_id,required,ondelete=cascade"`
	Amount int       `orm:"amount"`
}

type billPart struct {
	Record `orm:"t.bill.part"`
	Line   Ref[billLine] `orm:"line_id,required,ondelete=cascade"`
}

// What depended on deleted records is computed when they are gone, even if
// something reads it while they are being deleted.
func TestDependentsOfDeletedRecords(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	r.Begin("t")
	b := Define[bill](r)
	b.Compute("total", func(_ *Env, recs []*bill) error {
		for _, x := range recs {
			x.Total = 0
			for _, l := range x.Lines.All() {
				x.Total += l.Amount
			}
		}
		return nil
	}, "line_ids.amount")
	Define[billLine](r)
	p := Define[billPart](r)
	p.OnUnlink(func(super UnlinkFunc) UnlinkFunc {
		return func(rs Records) error {
			if _, err := Search[bill](rs.Env, Leaf("total", ">", 0), SearchOptions{}); err != nil {
				return err
			}
			return super(rs)
		}
	})
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e := must[*Env](t)(testDBOf(t, r).Begin(context.Background(), System()))
	t.Cleanup(e.Rollback)
	made := must[Records](t)(e.Model("t.bill").Create(Values{"line_ids": []Command{CreateLine(Values{"amount": 3}), CreateLine(Values{"amount": 4})}}))
	total := func() int { return must[*bill](t)(Get[bill](e, made.ID())).Total }
	line := must[*bill](t)(Get[bill](e, made.ID(), "line_ids")).Lines.IDs()[0]
	must[Records](t)(e.Model("t.bill.part").Create(Values{"line_id": line}))
	if n := total(); n != 7 {
		t.Fatalf("the total is %d", n)
	}
	if err := e.Model("t.bill.line").Browse(line).Unlink(); err != nil {
		t.Fatal(err)
	}
	if n := total(); n != 4 {
		t.Errorf("without its first line the total is %d", n)
	}
}
