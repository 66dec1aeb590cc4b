package orm

import (
	"testing"

	"github.com/shopspring/decimal"
)

// TestRecomputeReadsOnce counts the statements of a recompute: the records are
// read with what their dependencies lead to, and written.
func TestRecomputeReadsOnce(t *testing.T) {
	e, _ := quotationEnv(t)
	do := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	q := must[Records](t)(e.Model("t.quotation").Create(Values{"rate": 2}))
	l := must[Records](t)(e.Model("t.quotation.line").Create(Values{"quotation_id": q.ID(), "qty": 3}))
	do(e.Flush())
	do(l.Write(Values{"price": 5}))
	before := e.Queries()
	do(e.Flush())
	// sum of the line: its record and its tags; the total of the quotation: its
	// record, its lines' ids and records; and for each an update and the search
	// for what depends on it.
	if n := e.Queries() - before; n > 8 {
		t.Errorf("%d statements", n)
	}
	if v := must[any](t)(q.Value("total")); !v.(decimal.Decimal).Equal(decimal.NewFromInt(15)) {
		t.Errorf("the total is %v", v)
	}
	// Records that are gone by the time they are computed do no harm.
	other := must[Records](t)(e.Model("t.quotation.line").Create(Values{"quotation_id": q.ID(), "qty": 1}))
	do(e.Flush())
	e.markNew(l.Model, []int64{l.ID(), other.ID()})
	do(e.alter(sqlf("DELETE FROM t_quotation_line WHERE id = ?", other.ID()), l.Model))
	do(e.Flush())
	if v := must[any](t)(l.Value("sum")); !v.(decimal.Decimal).Equal(decimal.NewFromInt(60)) {
		t.Errorf("the sum is %v", v)
	}
}

// TestWaitingValuesAreStoredTogether counts the statements that store computed
// values of records of which nothing else is known: one for each set of columns.
func TestWaitingValuesAreStoredTogether(t *testing.T) {
	e, _ := quotationEnv(t)
	list := make([]Values, 30)
	for i := range list {
		list[i] = Values{"rate": i}
	}
	made := must[Records](t)(e.Model("t.quotation").Create(list...))
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	e.u.cache.invalidate()
	m := made.Model
	rate, total := m.Fields["rate"], m.Fields["total"]
	for i, id := range made.IDs {
		f := rate
		if i%2 == 0 {
			f = total
		}
		e.setDirty(m, []*Field{f}, &computed{[]int64{id}, []map[*Field]any{{f: decimal.NewFromInt(int64(100 + i))}}})
	}
	before := e.Queries()
	if err := e.writeDirty(); err != nil {
		t.Fatal(err)
	}
	if n := e.Queries() - before; n != 2 {
		t.Errorf("%d statements", n)
	}
	for i, row := range must[[][2]decimal.Decimal](t)(Rows[[2]decimal.Decimal](e, SQL("SELECT rate, total FROM t_quotation WHERE id = ANY(?) ORDER BY id", made.IDs).Reads("t.quotation"))) {
		if want := decimal.NewFromInt(int64(100 + i)); !row[(i+1)%2].Equal(want) {
			t.Errorf("record %d holds %v, want %s", i, row, want)
		}
	}
}
