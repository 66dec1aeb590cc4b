package account

import (
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// PaymentTerm splits the amount of an invoice into parts due at given days.
type PaymentTerm struct {
	orm.Record     `orm:"account.payment.term" label:"Payment Terms" order:"sequence, id"`
	Name           string                    `orm:"name,required,translate" label:"Payment Terms"`
	Active         bool                      `orm:"active,default=true" label:"Active"`
	Note           string                    `orm:"note,html,translate" label:"Description on the Invoice"`
	LineIDs        orm.Many[PaymentTermLine] `orm:"line_ids,inverse=payment_id,copy" label:"Terms"`
	CompanyID      orm.Ref[base.Company]     `orm:"company_id" label:"Company"`
	Sequence       int                       `orm:"sequence,required,default=10" label:"Sequence"`
	DisplayInvoice bool                      `orm:"display_on_invoice,default=true" label:"Show installment dates"`
}

// PaymentTermLine is one part of a payment term.
type PaymentTermLine struct {
	orm.Record  `orm:"account.payment.term.line" label:"Payment Terms Line" order:"id"`
	Value       string               `orm:"value,required,default=percent" selection:"percent:Percent,fixed:Fixed" label:"Value"`
	ValueAmount decimal.Decimal      `orm:"value_amount,digits=6" label:"Due"`
	DelayType   string               `orm:"delay_type,required,default=days_after" selection:"days_after:Days after invoice date,days_after_end_of_month:Days after end of month,days_after_end_of_next_month:Days after end of next month,days_end_of_month_on_the:Days end of month on the" label:"Delay Type"`
	NbDays      int                  `orm:"nb_days" label:"Days"`
	NextMonth   int                  `orm:"days_next_month,default=10" label:"Days on the next month"`
	PaymentID   orm.Ref[PaymentTerm] `orm:"payment_id,required,index,ondelete=cascade" label:"Payment Terms"`
}

func definePaymentTerm(r *orm.Registry) {
	d := orm.Define[PaymentTerm](r)
	d.Default("line_ids", func(*orm.Env) (any, error) {
		return []orm.Command{orm.CreateLine(orm.Values{"value": "percent", "value_amount": 100, "nb_days": 0})}, nil
	})
	d.Constrain("name, line_ids", func(env *orm.Env, ts []*PaymentTerm) error {
		if err := orm.Load(env, ts, "line_ids"); err != nil {
			return err
		}
		for _, t := range ts {
			sum, percent := decimal.Zero, false
			for _, l := range t.LineIDs.All() {
				if l.Value == TermPercent {
					sum, percent = sum.Add(l.ValueAmount), true
				}
			}
			if !percent || !sum.Equal(decimal.NewFromInt(100)) {
				return orm.ValidationErrorf("The Payment Term must have at least one percent line and the sum of the percent must be 100%%.")
			}
		}
		return nil
	})
	l := orm.Define[PaymentTermLine](r)
	invalidateOnChange(l, termsKey{})
	l.Constrain("value, value_amount", func(_ *orm.Env, ls []*PaymentTermLine) error {
		for _, l := range ls {
			if l.Value == TermPercent && (l.ValueAmount.IsNegative() || l.ValueAmount.GreaterThan(decimal.NewFromInt(100))) {
				return orm.ValidationErrorf("Percentages on the Payment Terms lines must be between 0 and 100.")
			}
		}
		return nil
	})
}

// installment is one part of an amount and the day it is due.
type installment struct {
	due    orm.Date
	amount decimal.Decimal // document currency
}

// dueDate is the day a part is due, for a document of a day.
func (l *PaymentTermLine) dueDate(from orm.Date) orm.Date {
	t := from.Time()
	monthEnd := func(months int) orm.Date {
		return orm.NewDate(t.Year(), t.Month()+1+time.Month(months), 1).AddDays(-1)
	}
	switch l.DelayType {
	case DaysAfterEndOfMonth:
		return monthEnd(0).AddDays(l.NbDays)
	case DaysAfterEndOfNextMonth:
		return monthEnd(1).AddDays(l.NbDays)
	case DaysEndOfMonthOnThe:
		after := from.AddDays(l.NbDays).Time()
		if l.NextMonth <= 0 {
			return orm.NewDate(after.Year(), after.Month()+1, 1).AddDays(-1)
		}
		last := orm.NewDate(after.Year(), after.Month()+2, 1).AddDays(-1)
		return orm.NewDate(after.Year(), after.Month()+1, min(l.NextMonth, last.Time().Day()))
	}
	return from.AddDays(l.NbDays)
}

// split divides an amount by the lines of a term; the last percentage takes
// what rounding left. Without lines all of it is due at once.
func split(lines []*PaymentTermLine, total decimal.Decimal, from orm.Date, places int32) []installment {
	if len(lines) == 0 {
		return []installment{{from, total}}
	}
	out := make([]installment, 0, len(lines))
	left := total
	for i, l := range lines {
		part := left
		if i < len(lines)-1 {
			part = l.ValueAmount
			if l.Value == TermPercent {
				part = total.Mul(l.ValueAmount).Shift(-2)
			} else if total.IsNegative() {
				part = part.Neg()
			}
			part = part.Round(places)
		}
		left = left.Sub(part)
		out = append(out, installment{l.dueDate(from), part})
	}
	return out
}
