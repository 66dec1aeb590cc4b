package account_test

import (
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
)

// second makes a company of its own in euros.
func (b *books) second() int64 {
	b.Helper()
	return b.create("res.company", orm.Values{"name": "Second", "currency_id": b.eur})
}

func TestChartOfANewCompany(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.second()
	count := func(model string) int {
		t.Helper()
		field := "company_id"
		if model == "account.account" {
			field = "company_ids"
		}
		return must[int](t)(b.env.Model(model).SearchCount(orm.Leaf(field, "in", []int64{id}), 0))
	}
	if a, j, x := count("account.account"), count("account.journal"), count("account.tax"); a != 32 || j != 6 || x != 2 {
		t.Errorf("%d accounts, %d journals, %d taxes", a, j, x)
	}
	there := b.env.WithCompany(id)
	made := must[orm.Records](t)(there.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": b.customer, "invoice_date": "2026-03-15",
		"invoice_line_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "x", "price_unit": 100})}}))
	ok(t, account.Post(there, made.ID()))
	m := b.move(made.ID())
	if m.CompanyID.ID != id || m.CurrencyID.ID != b.eur || m.Name != "INV/2026/00001" {
		t.Errorf("the invoice is of company %d in currency %d, number %s", m.CompanyID.ID, m.CurrencyID.ID, m.Name)
	}
	for _, l := range m.LineIDs.All() {
		a := must[*account.Account](t)(orm.Get[account.Account](b.env, l.AccountID.ID, "company_ids"))
		if ids := a.CompanyIDs.IDs(); len(ids) != 1 || ids[0] != id {
			t.Errorf("account %s belongs to %v", a.Code, ids)
		}
	}
	if n := b.move(b.posted(line("1", "1"))).Name; n != "INV/2026/00001" {
		t.Errorf("the main company's first invoice is %s", n)
	}
	refused(t, b.env.Model("res.company").Browse(id).Write(orm.Values{"currency_id": b.usd}), "cannot change the currency")

	branch := b.create("res.company", orm.Values{"name": "Branch", "parent_id": b.ref("base.main_company")})
	if n := must[int](t)(b.env.Model("account.journal").SearchCount(orm.Leaf("company_id", "=", branch), 0)); n != 0 {
		t.Errorf("a branch got %d journals of its own", n)
	}
	at := b.env.WithCompany(branch)
	made = must[orm.Records](t)(at.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "company_id": branch, "partner_id": b.customer, "invoice_date": "2026-03-15",
		"invoice_line_ids": []orm.Command{orm.CreateLine(line("100", "1", b.tax15))}}))
	ok(t, account.Post(at, made.ID()))
	b.shows(made.ID(), "100 + 15 = 115, due 115 not_paid")
	if n := b.move(made.ID()).Name; n != "INV/2026/00002" {
		t.Errorf("a branch numbers with its company: %s", n)
	}
}

func TestCompaniesApart(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	second := b.second()
	mine := b.posted(line("10", "1"))
	there := b.env.WithCompany(second)
	theirs := must[orm.Records](t)(there.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": b.customer, "invoice_date": "2026-03-15",
		"invoice_line_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "x", "price_unit": 100})}})).ID()
	ok(t, account.Post(there, theirs))
	clerk := b.env.WithUser(b.user("clerk", "account.group_account_invoice")).NoSudo()
	found := must[orm.Records](t)(clerk.Model("account.move").Search(nil, orm.SearchOptions{}))
	if found.Len() != 1 || found.ID() != mine {
		t.Errorf("a user of the main company finds %v", found.IDs)
	}
	for model, ids := range map[string][]int64{"account.move": {theirs}, "account.move.line": b.lines(theirs), "account.journal": {b.move(theirs).JournalID.ID}} {
		if _, err := clerk.Model(model).Browse(ids...).Read("display_name"); !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("%s of the other company: %v", model, err)
		}
	}
	for field, property := range map[string]string{"property_payment_term_id": "account.account_payment_term_30days"} {
		ok(t, b.env.Model("res.partner").Browse(b.customer).Write(orm.Values{field: b.ref(property)}))
		if v := must[any](t)(there.Model("res.partner").Browse(b.customer).Value(field)); v != nil {
			t.Errorf("%s holds for both companies: %v", field, v)
		}
	}
	refused(t, account.Reconcile(b.env, append(b.receivables(mine), b.receivables(theirs)...)...), "same")
}

func TestCompaniesAreNotMixed(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	second := b.second()
	main := b.ref("base.main_company")
	there := func(model string, d orm.Domain) int64 {
		t.Helper()
		rs := must[orm.Records](t)(b.env.Model(model).Search(orm.And(orm.Leaf("company_id", "=", second), d), orm.SearchOptions{Limit: 1}))
		ok(t, rs.One())
		return rs.ID()
	}
	account2 := must[orm.Records](t)(b.env.Model("account.account").Search(orm.And(orm.Leaf("company_ids", "in", []int64{second}), orm.Leaf("code", "=", "400000")), orm.SearchOptions{})).ID()
	theirs := b.create("res.partner", orm.Values{"name": "Theirs", "company_id": second})
	try := func(says string, vals orm.Values, lines ...orm.Values) {
		t.Helper()
		err := b.env.Savepoint(func(env *orm.Env) error {
			full := with(orm.Values{"move_type": "out_invoice", "partner_id": b.customer, "company_id": main}, vals)
			var cmds []orm.Command
			for _, l := range lines {
				cmds = append(cmds, orm.CreateLine(l))
			}
			full["invoice_line_ids"] = cmds
			_, err := env.Model("account.move").Create(full)
			return err
		})
		refused(t, err, says)
	}
	try("journal_id", orm.Values{"journal_id": there("account.journal", orm.Leaf("type", "=", "sale"))})
	try("partner_id", orm.Values{"partner_id": theirs})
	try("tax_ids", nil, line("1", "1", there("account.tax", orm.Leaf("type_tax_use", "=", "sale"))))
	try("account_id", nil, with(line("1", "1"), orm.Values{"account_id": account2}))
	refused(t, b.env.Savepoint(func(env *orm.Env) error {
		_, err := env.Model("account.payment").Create(orm.Values{"partner_id": b.customer, "amount": 1, "company_id": main, "journal_id": there("account.journal", orm.Leaf("type", "=", "bank"))})
		return err
	}), "journal_id")
	refused(t, b.env.Savepoint(func(env *orm.Env) error {
		return env.Model("account.journal").Browse(b.journal("INV")).Write(orm.Values{"default_account_id": account2})
	}), "default_account_id")
}

func TestAccountsOfPartners(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	special := b.create("account.account", orm.Values{"code": "121900", "name": "Doubtful", "account_type": "asset_receivable"})
	partners := b.env.Model("res.partner")
	value := func(id int64) any {
		t.Helper()
		return must[any](t)(partners.Browse(id).Value("property_account_receivable_id"))
	}
	if v := value(b.customer); v != b.account("121000") {
		t.Errorf("by default the receivable account is %v", v)
	}
	contact := b.create("res.partner", orm.Values{"name": "Ann", "parent_id": b.customer})
	ok(t, partners.Browse(b.customer).Write(orm.Values{"is_company": true, "property_account_receivable_id": special}))
	b.expect(b.document("out_invoice", orm.Values{"partner_id": contact}, line("10", "1")), "payment_term 121900 10", "product 400000 -10")
	ok(t, b.env.Model("res.company").Browse(b.ref("base.main_company")).Write(orm.Values{"account_default_receivable_id": special}))
	if v := value(b.partner("New")); v != special {
		t.Errorf("the company's new default is not used: %v", v)
	}
	refused(t, func() error {
		_, err := b.env.Model("account.account").Create(orm.Values{"code": "121900", "name": "Twice", "account_type": "income"})
		return err
	}(), "Account codes must be unique")
	refused(t, b.env.Model("account.account").Browse(b.account("400000")).Unlink(), "journal items")
	ok(t, b.env.Model("account.account").Browse(b.account("450000")).Unlink())
}

func TestRights(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	draft, posted := b.invoice(line("10", "1")), b.posted(line("20", "1"))
	as := func(login string, groups ...string) *orm.Env {
		t.Helper()
		return b.env.WithUser(b.user(login, groups...)).NoSudo()
	}
	clerk, reader, employee, manager := as("clerk", "account.group_account_invoice"), as("reader", "account.group_account_readonly"), as("employee"), as("manager", "account.group_account_manager")
	made := func(env *orm.Env) error {
		return env.Savepoint(func(env *orm.Env) error {
			m, err := env.Model("account.move").Create(orm.Values{"move_type": "out_invoice", "partner_id": b.customer, "invoice_date": "2026-03-15", "invoice_line_ids": []orm.Command{orm.CreateLine(orm.Values{"name": "x", "price_unit": 5})}})
			if err != nil {
				return err
			}
			_, err = m.Call("action_post", orm.Args{})
			return err
		})
	}
	read := func(env *orm.Env) error {
		return env.Savepoint(func(env *orm.Env) error {
			_, err := env.Model("account.move").Browse(draft, posted).Read("name", "amount_total", "line_ids")
			return err
		})
	}
	post := func(env *orm.Env) error {
		return env.Savepoint(func(env *orm.Env) error {
			_, err := env.Model("account.move").Browse(draft).Call("action_post", orm.Args{})
			return err
		})
	}
	configure := func(env *orm.Env) error {
		return env.Savepoint(func(env *orm.Env) error {
			_, err := env.Model("account.tax").Create(orm.Values{"name": "Own " + env.UserLogin(), "amount": 3})
			return err
		})
	}
	for _, tc := range []struct {
		who  string
		env  *orm.Env
		what string
		do   func(*orm.Env) error
		may  bool
	}{
		{"clerk", clerk, "read", read, true}, {"clerk", clerk, "invoice", made, true}, {"clerk", clerk, "configure", configure, false},
		{"reader", reader, "read", read, true}, {"reader", reader, "invoice", made, false}, {"reader", reader, "post", post, false},
		{"employee", employee, "read", read, false}, {"employee", employee, "invoice", made, false}, {"employee", employee, "post", post, false}, {"employee", employee, "configure", configure, false},
		{"manager", manager, "read", read, true}, {"manager", manager, "invoice", made, true}, {"manager", manager, "configure", configure, true},
	} {
		err := tc.do(tc.env)
		if tc.may && err != nil || !tc.may && !orm.IsCode(err, orm.CodeAccess) {
			t.Errorf("%s, %s: %v", tc.who, tc.what, err)
		}
	}
	// Paying and crediting are the clerk's work too.
	w := must[orm.Records](t)(clerk.WithContext(map[string]any{"active_model": "account.move", "active_ids": []int64{posted}}).Model("account.payment.register").Create(orm.Values{}))
	_, err := w.Call("action_create_payments", orm.Args{})
	ok(t, err)
	b.shows(posted, "20 + 0 = 20, due 0 paid")
	_, err = account.Reverse(clerk, []int64{posted}, orm.Date{}, "")
	ok(t, err)
	_, err = account.Reverse(reader, []int64{posted}, orm.Date{}, "")
	if !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("a reader reversed an invoice: %v", err)
	}
}
