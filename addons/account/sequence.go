package account

import (
	"fmt"
	"regexp"
	"strconv"

	"fusionsoft.ca/fusion/framework/orm"
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
	case JournalSale, JournalBank, JournalCash, JournalCredit:
		return fmt.Sprintf("%s/%04d/", code, day.Year()), 5
	}
	return fmt.Sprintf("%s/%04d/%02d/", code, day.Year(), int(day.Month())), 4
}

var numbered = regexp.MustCompile(`^(.*?)([0-9]{1,9})$`)

// assignName gives an entry the next number of its journal and period, unless
// it has one. Units of work that number in one journal exclude each other; the
// change of its row makes one fail that began before another ended, so that it
// is tried again with what the other did. Numbers have no gap and no double.
func assignName(env *orm.Env, j *Journal, m *Move) error {
	prefix, width := numbering(j, m)
	numberOf := func() string { return fmt.Sprintf("%s%0*d", m.SequencePrefix, width, m.SequenceNumber) }
	chosen := m.Name != "" && m.Name != "/" && m.Name != numberOf()
	if m.Name == numberOf() && m.SequencePrefix == prefix {
		return nil
	}
	if err := env.Exclusive(fmt.Sprintf("account.journal:%d", j.ID)); err != nil {
		return err
	}
	// SQL: counts in the row, which stays locked, and lets the journal's date be.
	if _, err := env.Exec(orm.SQL("UPDATE account_journal SET number_turn = COALESCE(number_turn, 0) + 1 WHERE id = ?", j.ID).Writes("account.journal", "number_turn")); err != nil {
		return err
	}
	if chosen {
		return acceptName(env, j, m)
	}
	// SQL: the last number, of entries seen by the user or not, by the index.
	last, err := orm.Row[int](env, orm.SQL("SELECT COALESCE(max(sequence_number), 0) FROM account_move WHERE journal_id = ? AND sequence_prefix = ?", j.ID, prefix).
		Reads("account.move", "journal_id", "sequence_prefix", "sequence_number"))
	if err != nil {
		return err
	}
	m.SequencePrefix, m.SequenceNumber = prefix, last+1
	m.Name = numberOf()
	return nil
}

// acceptName accepts a number that people chose. Those that follow count on from
// it when it is in the form of the journal.
func acceptName(env *orm.Env, j *Journal, m *Move) error {
	used, err := env.Sudo().Model("account.move").SearchCount(orm.And(orm.Leaf("journal_id", "=", j.ID), orm.Leaf("name", "=", m.Name),
		orm.Leaf("state", "=", "posted"), orm.Leaf("id", "!=", m.ID)), 1)
	if err != nil {
		return err
	}
	if used > 0 {
		return orm.UserErrorf("Another entry of the journal %s has the number %s already. Give this one another number, or empty it to have the next one.", j.Name, m.Name)
	}
	m.SequencePrefix, m.SequenceNumber = m.Name, 0
	if parts := numbered.FindStringSubmatch(m.Name); parts != nil {
		number, err := strconv.Atoi(parts[2])
		if err != nil {
			return orm.UserErrorf("The number %s is too long.", m.Name)
		}
		m.SequencePrefix, m.SequenceNumber = parts[1], number
	}
	return nil
}
