package orm

import (
	"context"
	"fmt"
	"testing"

	"github.com/shopspring/decimal"
)

// quotation is a document whose lines propose what people may overrule.
type quotation struct {
	Record `orm:"t.quotation"`
	Rate   decimal.Decimal         `orm:"rate,digits=2"`
	Lines  Many[quotationLine]     `orm:"line_ids,inverse=quotation_id"`
	Total  decimal.Decimal         `orm:"total,store,digits=2"`
	Groups Many[quotationCategory] `orm:"group_ids,rel=t_quotation_group:quotation_id:group_id"`
}

type quotationCategory struct {
	Record `orm:"t.quotation.category"`
	Name   string `orm:"name"`
}

type quotationLine struct {
	Record    `orm:"t.quotation.line"`
	Quotation Ref[quotation]          `orm:"quotation_id,required,ondelete=cascade"`
	Rate      decimal.Decimal         `orm:"rate,store,related=quotation_id.rate"`
	Qty       decimal.Decimal         `orm:"qty,digits=2"`
	Price     decimal.Decimal         `orm:"price,store,digits=2"`
	Tags      Many[quotationCategory] `orm:"tag_ids,store,rel=t_quotation_line_tag:line_id:tag_id"`
	Sum       decimal.Decimal         `orm:"sum,store,digits=2"`
}

func quotationEnv(t *testing.T) (*Env, []int64) {
	r := NewRegistry()
	r.Begin("t")
	q := Define[quotation](r)
	q.Compute("total", func(_ *Env, recs []*quotation) error {
		for _, x := range recs {
			x.Total = decimal.Zero
			for _, l := range x.Lines.All() {
				x.Total = x.Total.Add(l.Sum)
			}
		}
		return nil
	}, "line_ids.sum")
	Define[quotationCategory](r)
	l := Define[quotationLine](r)
	l.Compute("price", func(_ *Env, recs []*quotationLine) error {
		for _, x := range recs {
			x.Price = x.Rate.Mul(decimal.NewFromInt(10))
		}
		return nil
	}, "qty", "rate")
	l.Compute("tag_ids", func(e *Env, recs []*quotationLine) error {
		all, err := e.Model("t.quotation.category").Search(nil, SearchOptions{})
		for _, x := range recs {
			x.Tags.Set(all.IDs...)
		}
		return err
	}, "qty")
	l.Compute("sum", func(_ *Env, recs []*quotationLine) error {
		for _, x := range recs {
			x.Sum = x.Qty.Mul(x.Price)
		}
		return nil
	}, "qty", "price", "tag_ids")
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	db := testDBOf(t, r)
	e, err := db.Begin(context.Background(), System())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Rollback)
	cats := must[Records](t)(e.Model("t.quotation.category").Create(Values{"name": "a"}, Values{"name": "b"}))
	return e, cats.IDs
}

// A value given for a computed field is kept from what the same create or
// write changes, also when it depends on it through other computes.
func TestValuesGivenByHandAreKept(t *testing.T) {
	t.Parallel()
	e, cats := quotationEnv(t)
	q := must[Records](t)(e.Model("t.quotation").Create(Values{"rate": 2, "line_ids": []Command{
		CreateLine(Values{"qty": 3}),
		CreateLine(Values{"qty": 3, "price": 7, "tag_ids": []Command{SetIDs(cats[0])}}),
		CreateLine(Values{"qty": 1, "price": 0, "tag_ids": []Command{}}),
	}}))
	show := func() string {
		o := must[*quotation](t)(Get[quotation](e, q.ID(), "line_ids.tag_ids"))
		s := ""
		for _, l := range o.Lines.All() {
			s += fmt.Sprintf("%s×%s=%s/%d ", l.Qty, l.Price, l.Sum, len(l.Tags.IDs()))
		}
		return s + "Σ" + o.Total.String()
	}
	lines := func(i int) Records {
		return e.Model("t.quotation.line").Browse(must[*quotation](t)(Get[quotation](e, q.ID(), "line_ids")).Lines.IDs()[i])
	}
	for _, step := range []struct {
		name string
		do   func() error
		want string
	}{
		{"created", func() error { return nil }, "3×20=60/2 3×7=21/1 1×0=0/0 Σ81"},
		{"what it depends on changes later", func() error { return lines(1).Write(Values{"qty": 4}) }, "3×20=60/2 4×20=80/2 1×0=0/0 Σ140"},
		{"given together with it", func() error {
			return lines(1).Write(Values{"qty": 5, "price": 8, "tag_ids": []Command{SetIDs(cats[1])}})
		}, "3×20=60/2 5×8=40/1 1×0=0/0 Σ100"},
		{"through another compute", func() error {
			return q.Write(Values{"rate": 3, "line_ids": []Command{UpdateLine(lines(2).ID(), Values{"price": 9})}})
		}, "3×30=90/2 5×30=150/1 1×9=9/0 Σ249"},
		{"changed before the first was flushed", func() error {
			made, err := e.Model("t.quotation.line").Create(Values{"quotation_id": q.ID(), "qty": 1, "price": 1})
			if err != nil {
				return err
			}
			return made.Write(Values{"qty": 2})
		}, "3×30=90/2 5×30=150/1 1×9=9/0 2×30=60/2 Σ309"},
	} {
		if err := step.do(); err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
		if got := show(); got != step.want {
			t.Errorf("%s: %s, want %s", step.name, got, step.want)
		}
	}
}

// Creating and computing many lines takes as many statements as few.
func TestComputedValuesAreStoredTogether(t *testing.T) {
	t.Parallel()
	e, cats := quotationEnv(t)
	count := func(n int) int {
		var lines []Command
		for i := range n {
			v := Values{"qty": i}
			if i%2 == 0 {
				v["price"], v["tag_ids"] = i, []Command{SetIDs(cats...)}
			}
			lines = append(lines, CreateLine(v))
		}
		before := e.Queries()
		q := must[Records](t)(e.Model("t.quotation").Create(Values{"rate": 2, "line_ids": lines, "group_ids": []Command{SetIDs(cats...)}}))
		if err := e.Flush(); err != nil {
			t.Fatal(err)
		}
		n, sum := e.Queries()-before, decimal.Zero
		o := must[*quotation](t)(Get[quotation](e, q.ID(), "line_ids.tag_ids", "group_ids"))
		for _, l := range o.Lines.All() {
			sum = sum.Add(l.Sum)
			if len(l.Tags.IDs()) != 2 {
				t.Errorf("%d tags", len(l.Tags.IDs()))
			}
		}
		if !o.Total.Equal(sum) || len(o.Groups.IDs()) != 2 {
			t.Errorf("total %s of lines worth %s in %d groups", o.Total, sum, len(o.Groups.IDs()))
		}
		return n
	}
	if few, many := count(4), count(60); few != many {
		t.Errorf("4 lines took %d statements, 60 took %d", few, many)
	}
}

type ticket struct {
	Record `orm:"t.ticket"`
	Hours  int          `orm:"hours"`
	Bills  Many[billed] `orm:"bill_ids,rel=t_ticket_bill:ticket_id:bill_id"`
}

type billed struct {
	Record  `orm:"t.billed"`
	Tickets Many[ticket] `orm:"ticket_ids,rel=t_ticket_bill:bill_id:ticket_id"`
	Hours   int          `orm:"hours,store,readonly"`
}

// Links made or cut at one side of a many2many count at the other side.
func TestLinksCountAtBothSides(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	r.Begin("t")
	Define[ticket](r)
	Define[billed](r).Compute("hours", func(_ *Env, recs []*billed) error {
		for _, b := range recs {
			b.Hours = 0
			for _, x := range b.Tickets.All() {
				b.Hours += x.Hours
			}
		}
		return nil
	}, "ticket_ids.hours")
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e, err := testDBOf(t, r).Begin(context.Background(), System())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Rollback)
	bills := must[Records](t)(e.Model("t.billed").Create(Values{}, Values{}))
	work := must[Records](t)(e.Model("t.ticket").Create(Values{"hours": 2, "bill_ids": []Command{Link(bills.IDs[0])}}, Values{"hours": 5}))
	for i, step := range []struct {
		ticket int
		cmd    Command
		want   string
	}{
		{0, Link(bills.IDs[1]), "2 2"}, {1, SetIDs(bills.IDs[1]), "2 7"}, {0, Unlink(bills.IDs[0]), "0 7"}, {1, SetIDs(bills.IDs[0]), "5 2"}, {0, Command{Op: CmdClear}, "5 0"},
	} {
		if err := work.Browse(work.IDs[step.ticket]).Write(Values{"bill_ids": []Command{step.cmd}}); err != nil {
			t.Fatal(err)
		}
		got := must[[]*billed](t)(Read[billed](e, bills.IDs))
		if s := fmt.Sprint(got[0].Hours, got[1].Hours); s != step.want {
			t.Errorf("step %d: %s, want %s", i, s, step.want)
		}
	}
}

// A value given by hand is kept from its own write only: the next one, with no
// read between them, has it computed again.
func TestGivenValuesAreKeptForOneWrite(t *testing.T) {
	t.Parallel()
	r := NewRegistry()
	r.Begin("t")
	d := Define[offer](r)
	d.Compute("price", func(_ *Env, recs []*offer) error {
		for _, x := range recs {
			x.Price = x.Qty.Mul(decimal.NewFromInt(10))
		}
		return nil
	}, "qty")
	if err := r.Freeze(); err != nil {
		t.Fatal(err)
	}
	e, err := testDBOf(t, r).Begin(context.Background(), System())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Rollback)
	o := must[Records](t)(e.Model("t.offer").Create(Values{"qty": 1}))
	if err := e.Flush(); err != nil {
		t.Fatal(err)
	}
	for _, vals := range []Values{{"price": 7}, {"qty": 4}} {
		if err := o.Write(vals); err != nil {
			t.Fatal(err)
		}
	}
	if x := must[*offer](t)(Get[offer](e, o.ID())); x.Price.String() != "40" {
		t.Errorf("after the second write the price is %s", x.Price)
	}
}

type offer struct {
	Record `orm:"t.offer"`
	Qty    decimal.Decimal `orm:"qty,digits=2"`
	Price  decimal.Decimal `orm:"price,store,digits=2"`
}
