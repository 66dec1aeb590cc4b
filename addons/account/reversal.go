package account

import (
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Reversal is the wizard that makes credit notes of posted documents.
type Reversal struct {
	orm.Record `orm:"account.move.reversal,transient" label:"Account Move Reversal" rec:"reason"`
	MoveIDs    orm.Many[Move]         `orm:"move_ids,rel=account_move_reversal_move:reversal_id:move_id" label:"Moves"`
	NewMoveIDs orm.Many[Move]         `orm:"new_move_ids,rel=account_move_reversal_new_move:reversal_id:new_move_id" label:"New Moves"`
	Date       orm.Date               `orm:"date,default=today" label:"Reversal date"`
	Reason     string                 `orm:"reason" label:"Reason displayed on Credit Note"`
	JournalID  orm.Ref[Journal]       `orm:"journal_id" label:"Journal"`
	CompanyID  orm.Ref[base.Company]  `orm:"company_id,readonly" label:"Company"`
	CurrencyID orm.Ref[base.Currency] `orm:"currency_id" label:"Currency"`
	MoveType   string                 `orm:"move_type" label:"Move Type"`
}

// The methods of the reversal wizard.
var (
	RefundMoves = orm.Method[Reversal]{Name: "refund_moves"}
	ModifyMoves = orm.Method[Reversal]{Name: "modify_moves"}
)

func defineReversal(r *orm.Registry) {
	d := orm.Define[Reversal](r)
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			full := make([]orm.Values, len(list))
			for i, vals := range list {
				vals = vals.Clone()
				full[i] = vals
				var ids []int64
				if vals["move_ids"] == nil && rs.Env.KeyText("active_model") == "account.move" {
					ids = rs.Env.KeyIDs("active_ids")
					vals["move_ids"] = []orm.Command{orm.SetIDs(ids...)}
				}
				ms, err := orm.Read[Move](rs.Env, ids)
				if err != nil {
					return rs, err
				}
				if err := reversible(ms); err != nil {
					return rs, err
				}
				if len(ms) > 0 {
					vals["company_id"], vals["move_type"] = ms[0].CompanyID.ID, ms[0].MoveType
					vals["currency_id"] = ms[0].CurrencyID.ID
					if vals.ID("journal_id") == 0 {
						vals["journal_id"] = ms[0].JournalID.ID
					}
				}
			}
			return super(rs, full)
		}
	})
	orm.Implement(d, RefundMoves, func(env *orm.Env, ws []*Reversal, _ orm.Args) (any, error) { return runReversal(env, ws, false) })
	orm.Implement(d, ModifyMoves, func(env *orm.Env, ws []*Reversal, _ orm.Args) (any, error) { return runReversal(env, ws, true) })
}

func reversible(ms []*Move) error {
	for _, m := range ms {
		if m.State != MovePosted {
			return orm.UserErrorf("You can only reverse posted moves.")
		}
		if m.CompanyID.ID != ms[0].CompanyID.ID {
			return orm.UserErrorf("All selected moves for reversal must belong to the same company.")
		}
	}
	return nil
}

// runReversal makes drafts of credit notes; when modify is set it posts them,
// so that they settle the originals, and opens copies of the originals.
func runReversal(env *orm.Env, ws []*Reversal, modify bool) (any, error) {
	if err := orm.RecordsOf(env, ws...).One(); err != nil {
		return nil, err
	}
	w := ws[0]
	if err := orm.Load(env, ws, "move_ids"); err != nil {
		return nil, err
	}
	ms := w.MoveIDs.All()
	if err := reversible(ms); err != nil {
		return nil, err
	}
	ids, err := reverseMoves(env, ms, reversal{date: w.Date, reason: w.Reason, journal: w.JournalID.ID, post: modify})
	if err != nil {
		return nil, err
	}
	if modify {
		ids = nil
		for _, m := range ms {
			made, err := orm.RecordsOf(env, m).Copy(orm.Values{"date": w.Date})
			if err != nil {
				return nil, err
			}
			ids = append(ids, made.IDs...)
		}
	}
	w.NewMoveIDs.Set(ids...)
	if err := orm.Save(env, ws, "new_move_ids"); err != nil {
		return nil, err
	}
	action := map[string]any{"name": "Reverse Moves", "type": "ir.actions.act_window", "res_model": "account.move", "view_mode": "form"}
	if len(ids) == 1 {
		action["res_id"] = ids[0]
		action["context"] = map[string]any{"default_move_type": w.MoveType}
		return action, nil
	}
	action["view_mode"] = "list,form"
	action["domain"] = []any{[]any{"id", "in", ids}}
	return action, nil
}

type reversal struct {
	date    orm.Date
	reason  string
	journal int64
	post    bool
}

var reversedTypes = map[string]string{"entry": "entry", "out_invoice": "out_refund", "out_refund": "out_invoice", "in_invoice": "in_refund", "in_refund": "in_invoice", "out_receipt": "out_refund", "in_receipt": "in_refund"}

// Reverse makes draft reversals of posted entries, dated on a day, and returns
// their ids in order. A credit note has the lines of its invoice; lower them
// before posting for a partial refund.
func Reverse(env *orm.Env, ids []int64, date orm.Date, reason string) ([]int64, error) {
	ms, err := orm.Read[Move](env, ids)
	if err != nil {
		return nil, err
	}
	if err := reversible(ms); err != nil {
		return nil, err
	}
	return reverseMoves(env, ms, reversal{date: date, reason: reason})
}

func reverseMoves(env *orm.Env, ms []*Move, r reversal) ([]int64, error) {
	if err := orm.Load(env, ms, "line_ids"); err != nil {
		return nil, err
	}
	if r.date.IsZero() {
		r.date = env.Today()
	}
	var ids []int64
	for _, m := range ms {
		vals := orm.Values{"move_type": reversedTypes[m.MoveType], "reversed_entry_id": m.ID, "date": r.date, "partner_id": m.PartnerID.ID, "company_id": m.CompanyID.ID,
			"journal_id": m.JournalID.ID, "currency_id": m.CurrencyID.ID, "ref": reversalRef(m, r.reason)}
		if m.Origin != "" {
			vals["invoice_origin"] = m.Origin
		}
		if j := r.journal; j != 0 {
			vals["journal_id"] = j
		}
		if m.IsInvoice() {
			lines, err := copiedLines(env, m)
			if err != nil {
				return nil, err
			}
			vals["line_ids"], vals["invoice_date"], vals["invoice_payment_term_id"] = lines, r.date, nil
			vals["fiscal_position_id"], vals["tax_rounding_method"] = m.FiscalPositionID.ID, m.TaxRounding
			vals["partner_shipping_id"], vals["invoice_user_id"] = m.ShippingID.ID, m.UserID.ID
		} else {
			vals["line_ids"] = negatedLines(m)
		}
		made, err := fullPrecision(env).Model("account.move").Create(vals)
		if err != nil {
			return nil, err
		}
		ids = append(ids, made.IDs...)
	}
	if r.post {
		return ids, Post(env, ids...)
	}
	return ids, nil
}

func reversalRef(m *Move, reason string) string {
	parts := []string{"Reversal of: " + m.Name}
	if reason != "" {
		parts = append(parts, reason)
	}
	return strings.Join(parts, ", ")
}

func negatedLines(m *Move) []orm.Command {
	var cmds []orm.Command
	for _, l := range m.LineIDs.All() {
		cmds = append(cmds, orm.CreateLine(orm.Values{"name": l.Name, "account_id": l.AccountID.ID, "partner_id": l.PartnerID.ID, "currency_id": l.CurrencyID.ID,
			"balance": l.Balance.Neg(), "amount_currency": l.AmountCurrency.Neg(), "display_type": l.DisplayType, "sequence": l.Sequence, "date_maturity": l.DateMaturity}))
	}
	return cmds
}
