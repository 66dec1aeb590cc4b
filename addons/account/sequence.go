package account

import (
	"fmt"

	"fusion/framework/orm"
)

// numbering is the part of a number before its counter, and the counter's width.
func numbering(j *Journal, m *Move) (prefix string, width int) {
	code := j.Code
	switch {
	case m.OriginPaymentID.IsSet() && j.PaymentSequence:
		code = "P" + code
	case m.IsRefund() && j.RefundSequence:
		code = "R" + code
	}
	day := m.Date.Time()
	switch j.Type {
	case "sale", "bank", "cash", "credit":
		return fmt.Sprintf("%s/%04d/", code, day.Year()), 5
	}
	return fmt.Sprintf("%s/%04d/%02d/", code, day.Year(), int(day.Month())), 4
}

// assignName gives an entry the next number of its journal and period. The
// journal's row is changed first: of two transactions that number at once, one
// waits and is then tried again as a whole, so numbers have no gap and no double.
func assignName(env *orm.Env, j *Journal, m *Move) error {
	prefix, width := numbering(j, m)
	if m.Name != "" && m.Name != "/" && (m.SequencePrefix == prefix || !m.PostedBefore && m.SequencePrefix == "") {
		return nil
	}
	if _, err := env.Exec("UPDATE account_journal SET number_turn = COALESCE(number_turn, 0) + 1 WHERE id = ?", j.ID); err != nil {
		return err
	}
	rows, err := env.Query("SELECT COALESCE(max(sequence_number), 0) FROM account_move WHERE journal_id = ? AND sequence_prefix = ?", j.ID, prefix)
	if err != nil {
		return err
	}
	m.SequencePrefix, m.SequenceNumber = prefix, int(atoi(rows[0][0]))+1
	m.Name = fmt.Sprintf("%s%0*d", prefix, width, m.SequenceNumber)
	return nil
}
