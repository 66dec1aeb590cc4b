package account

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// Context keys by which the code of this addon speaks to the hooks. Their value
// is a mark, which no client can send.
const (
	keySyncing = "account_syncing" // items are derived afterwards; do not yet
	keyForce   = "account_force"   // the change is the system's own and complete
)

type internalMark struct{}

func marked(env *orm.Env, key string) bool { return env.Key(key) == internalMark{} }

func deferSync(env *orm.Env) *orm.Env {
	return env.WithContext(map[string]any{keySyncing: internalMark{}})
}

func skipChecks(env *orm.Env) *orm.Env {
	return env.WithContext(map[string]any{keySyncing: internalMark{}, keyForce: internalMark{}})
}

// skipTracking is skipChecks without a history: what is derived follows from changes
// that have one.
func skipTracking(env *orm.Env) *orm.Env {
	return skipChecks(env).WithContext(map[string]any{"mail_notrack": true})
}

// fields of a posted entry that people may still change.
var openWhenPosted = []string{"ref", "payment_reference", "narration", "is_move_sent", "invoice_user_id", "invoice_origin", "partner_shipping_id", "delivery_date", "invoice_date_due"}

// fields that fix the number and meaning of a posted entry.
var closedWhenPosted = []string{"invoice_line_ids", "line_ids", "invoice_date", "date", "partner_id", "invoice_payment_term_id", "currency_id", "fiscal_position_id", "journal_id", "company_id", "move_type", "tax_rounding_method"}

func writeMoves(super orm.WriteFunc) orm.WriteFunc {
	return func(rs orm.Records, vals orm.Values) error {
		env := rs.Env
		if marked(env, keyForce) || marked(env, keySyncing) {
			return super(rs, vals)
		}
		ms, err := orm.Read[Move](env.Sudo(), rs.IDs)
		if err != nil {
			return err
		}
		posted := false
		for _, m := range ms {
			posted = posted || m.State == MovePosted
		}
		if posted {
			var closed []string
			for _, name := range closedWhenPosted {
				if vals.Has(name) && changesAny(ms, name, vals) {
					closed = append(closed, name)
				}
			}
			if len(closed) > 0 {
				return orm.UserErrorf("You cannot modify the following readonly fields on a posted move: %s", strings.Join(closed, ", "))
			}
			if name := vals.Text("name"); name != "" && name != ms[0].Name {
				if err := checkLocked(env, rs.IDs); err != nil {
					return err
				}
			}
		}
		if err := checkLocked(env, rs.IDs); err != nil && !onlyOpenFields(vals) {
			return err
		}
		if vals.IsSet("invoice_date") && vals["date"] == nil {
			vals["date"] = vals["invoice_date"]
		}
		if len(vals.Commands("line_ids")) > 0 { // a copied form sends the lines of a document under both names
			delete(vals, "invoice_line_ids")
		}
		if err := super(rs.In(deferSync(env)), vals); err != nil {
			return err
		}
		if !onlyOpenFields(vals) && vals["state"] == nil {
			if err := syncMoves(env, rs.IDs); err != nil {
				return err
			}
		}
		return checkLocked(env, lockable(vals, rs.IDs))
	}
}

// lockable are the ids whose date a change may have moved into a closed period.
func lockable(vals orm.Values, ids []int64) []int64 {
	if vals["date"] != nil || vals["invoice_date"] != nil || vals["journal_id"] != nil {
		return ids
	}
	return nil
}

func onlyOpenFields(vals orm.Values) bool {
	for name := range vals {
		if !slices.Contains(openWhenPosted, name) && !strings.HasPrefix(name, "message_") && !strings.HasPrefix(name, "activity_") {
			return false
		}
	}
	return true
}

// changesAny reports whether a value differs from what a posted entry has, so
// that a form may send back what it was given.
func changesAny(ms []*Move, name string, vals orm.Values) bool {
	for _, m := range ms {
		var have any
		switch name {
		case "partner_id":
			have = m.PartnerID.ID
		case "currency_id":
			have = m.CurrencyID.ID
		case "journal_id":
			have = m.JournalID.ID
		case "company_id":
			have = m.CompanyID.ID
		case "fiscal_position_id":
			have = m.FiscalPositionID.ID
		case "invoice_payment_term_id":
			have = m.PaymentTermID.ID
		case "move_type":
			have = m.MoveType
		default:
			return true
		}
		if id, ok := have.(int64); ok && vals.ID(name) != id || !ok && vals[name] != have {
			return true
		}
	}
	return false
}

func unlinkMoves(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		env := rs.Env
		if marked(env, keyForce) {
			return super(rs)
		}
		ms, err := orm.Read[Move](env.Sudo(), rs.IDs)
		if err != nil {
			return err
		}
		for _, m := range ms {
			if m.State == MovePosted {
				return orm.UserErrorf("You can't delete a posted journal item. Don’t play games with your accounting records; reset the journal entry to draft before deleting it.")
			}
			if m.PostedBefore && m.Name != "" && m.Name != "/" {
				later, err := env.Sudo().Model("account.move").SearchCount(orm.And(orm.Leaf("journal_id", "=", m.JournalID.ID),
					orm.Leaf("sequence_prefix", "=", m.SequencePrefix), orm.Leaf("sequence_number", ">", m.SequenceNumber)), 1)
				if err != nil {
					return err
				}
				if later > 0 {
					return orm.UserErrorf("You cannot delete this entry, as it has already consumed a sequence number and is not the last one in the chain. You should probably revert it instead.")
				}
			}
		}
		if err := checkLocked(env, rs.IDs); err != nil {
			return err
		}
		if err := unreconcileMoves(env, rs.IDs); err != nil {
			return err
		}
		return super(rs.In(deferSync(env)))
	}
}

// fullPrecision keeps the decimals of prices that are copied.
func fullPrecision(env *orm.Env) *orm.Env {
	return env.WithContext(map[string]any{KeyFullPrecision: true})
}

// copyMoves leaves out of copies of invoices the items that are derived.
func copyMoves(super orm.CopyDataFunc) orm.CopyDataFunc {
	return func(rs orm.Records, vals orm.Values) (orm.Values, error) {
		m, err := orm.Get[Move](rs.Env, rs.ID(), "line_ids")
		if err != nil {
			return nil, err
		}
		if vals["line_ids"] == nil && m.IsInvoice() {
			if vals["line_ids"], err = copiedLines(rs.Env, m); err != nil {
				return nil, err
			}
		}
		return super(rs, vals)
	}
}

// CopyExactly keeps the digits of what is copied, for documents with prices.
func CopyExactly(super orm.CopyFunc) orm.CopyFunc {
	return func(rs orm.Records, overrides orm.Values) (orm.Records, error) {
		return super(rs.In(fullPrecision(rs.Env)), overrides)
	}
}

// copiedLines are the lines people entered on a document, for a copy of it.
func copiedLines(env *orm.Env, m *Move) ([]orm.Command, error) {
	var cmds []orm.Command
	for _, l := range m.LineIDs.All() {
		if derived(l.DisplayType) {
			continue
		}
		vals, err := orm.RecordsOf(env, l).CopyData(orm.Values{"move_id": nil})
		if err != nil {
			return nil, err
		}
		delete(vals, "move_id")
		cmds = append(cmds, orm.CreateLine(vals))
	}
	return cmds, nil
}

// derived reports whether items of this kind follow from the others.
func derived(displayType string) bool {
	return displayType == "tax" || displayType == "payment_term" || displayType == "rounding"
}
