package account_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/report"
	"fusionsoft.ca/fusion/framework/report/reporttest"
)

// printable gives the main company and the customer what documents show.
func printable(b *books) {
	b.Helper()
	logo := image.NewGray(image.Rect(0, 0, 40, 20))
	for i := range logo.Pix {
		logo.Pix[i] = uint8(i)
	}
	logo.Set(1, 1, color.White)
	var picture bytes.Buffer
	ok(b.T, png.Encode(&picture, logo))
	company := must[*account.Company](b.T)(orm.Get[account.Company](b.env, b.ref("base.main_company")))
	ok(b.T, b.env.Model("res.company").Browse(company.ID).Write(orm.Values{"name": "Maison Générale", "report_footer": "<p>IBAN BE71 0961 2345 6769</p>"}))
	ok(b.T, b.env.Model("res.partner").Browse(company.PartnerID.ID).Write(orm.Values{"name": "Maison Générale", "street": "Rue du Marché 7", "city": "Bruxelles", "zip": "1000", "country_id": b.ref("base.be"),
		"vat": "BE0477472701", "phone": "+32 2 555 01 00", "email": "info@maison.example", "website": "https://maison.example", "image_1920": picture.Bytes()}))
	ok(b.T, b.env.Model("res.partner").Browse(b.customer).Write(orm.Values{"is_company": true, "street": "4557 De Silva St", "city": "Fremont", "state_id": b.ref("base.state_us_5"), "zip": "94538", "country_id": b.ref("base.us"), "vat": "US12345671"}))
}

func (b *books) text(ids ...int64) string {
	b.Helper()
	pdf := must[[]byte](b.T)(account.InvoicePDF(b.env, ids...))
	return must[string](b.T)(reporttest.Text(pdf))
}

func TestInvoicePDF(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	printable(b)
	gst, qst := b.tax("GST", "5", orm.Values{"invoice_label": "GST 5%"}), b.tax("QST", "9.975", orm.Values{"invoice_label": "QST 9.975%"})
	shop := b.create("res.partner", orm.Values{"name": "Atelier Łódź", "type": "delivery", "parent_id": b.customer, "street": "Οδός 5", "city": "Αθήνα", "country_id": b.ref("base.gr")})
	id := b.document("out_invoice", orm.Values{"ref": "PO 4711", "invoice_origin": "S00042", "invoice_payment_term_id": b.ref("account.account_payment_term_30days"), "partner_shipping_id": shop,
		"narration": "<p>Goods remain ours until <b>paid</b>.</p>"},
		orm.Values{"display_type": "line_section", "name": "Furniture"},
		with(line("1234.5", "2", gst, qst), orm.Values{"name": "[DESK] Desk, oak\nWith a very long description that must be wrapped in its narrow column of the table", "product_uom_id": b.ref("uom.product_uom_unit")}),
		with(line("3.333", "7.5", gst), orm.Values{"name": "Шурупы 🪛", "discount": dec("10")}),
		orm.Values{"display_type": "line_note", "name": "Handle with care"})
	draft := b.text(id)
	if !strings.Contains(draft, "Draft Invoice") || strings.Contains(draft, "INV/") {
		t.Error("a draft is not marked as one")
	}
	ok(t, account.Post(b.env, id))
	b.pay(orm.Values{"amount": 1000, "payment_date": "2026-03-20"}, id)
	first, second := must[[]byte](t)(account.InvoicePDF(b.env, id)), must[[]byte](t)(account.InvoicePDF(b.env, id))
	if !bytes.Equal(first, second) {
		t.Error("one invoice printed twice differs")
	}
	ormtest.Golden(t, "invoice.txt", must[string](t)(reporttest.Text(first)))
	plain := must[[]byte](t)(report.Render(b.env.Model("account.move").Browse(id), "account.report_invoice"))
	if s := must[string](t)(reporttest.Text(plain)); strings.Contains(s, "Paid on") || !strings.Contains(s, "2,862.36") {
		t.Error("without payments it shows them, or not the total")
	}
}

func TestCreditNotePDF(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	printable(b)
	b.rate("2026-01-01", 0.8)
	ok(t, b.env.WithContext(map[string]any{"active_test": false}).Model("res.lang").Browse(b.lang("de_DE")).Write(orm.Values{"active": true}))
	ok(t, b.env.Model("res.partner").Browse(b.customer).Write(orm.Values{"lang": "de_DE"}))
	id := b.document("out_invoice", orm.Values{"currency_id": b.eur}, charged("1000", "1", map[int64]string{b.tax15: "149.99"}))
	ok(t, account.Post(b.env, id))
	note := must[[]int64](t)(account.Reverse(b.env, []int64{id}, orm.NewDate(2026, 4, 2), "Wrong colour"))[0]
	ok(t, account.Post(b.env, note))
	ormtest.Golden(t, "credit_note.txt", b.text(note, id))
}

func (b *books) lang(code string) int64 {
	b.Helper()
	return must[orm.Records](b.T)(b.env.WithContext(map[string]any{"active_test": false}).Model("res.lang").Search(orm.Leaf("code", "=", code), orm.SearchOptions{})).ID()
}

func TestLongInvoicePDF(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	var lines []orm.Values
	for i := range 100 {
		lines = append(lines, with(line("1", "1"), orm.Values{"name": fmt.Sprintf("Article %d", i+1)}))
	}
	id := b.posted(lines...)
	pages := strings.Split(b.text(id), "\n----------------\n")
	last := pages[len(pages)-1]
	if len(pages) != 3 || !strings.HasSuffix(last, "3 / 3") || !strings.Contains(last, "100.00") || !strings.Contains(pages[1], "Description | Quantity") {
		t.Errorf("%d pages, the last:\n%s", len(pages), last)
	}
}

func TestReportRecords(t *testing.T) {
	t.Parallel()
	b := newBooks(t)
	id := b.posted(line("10", "1"))
	for _, xmlid := range []string{"account.account_invoices", "account.account_invoices_without_payment"} {
		action := must[[]orm.Values](t)(must[orm.Records](t)(b.env.Ref(xmlid)).Read("report_name", "model", "binding_type"))[0]
		if action["model"] != "account.move" || action["binding_type"] != "report" {
			t.Errorf("%s is %v", xmlid, action)
		}
		pdf := must[[]byte](t)(report.Render(b.env.Model("account.move").Browse(id), action["report_name"].(string)))
		if !bytes.HasPrefix(pdf, []byte("%PDF")) {
			t.Errorf("%s is no PDF", xmlid)
		}
	}
	moves := b.env.Model("account.move")
	_, err := report.Render(moves.Browse(id), "account.report_nothing")
	refused(t, err, "no report account.report_nothing")
	_, err = report.Render(moves, "account.report_invoice")
	refused(t, err, "Choose the records")
	entry := b.create("account.move", b.entry("2026-01-05", "101401", "10", "400000", "-10"))
	_, err = account.InvoicePDF(b.env, entry)
	refused(t, err, "journal entry")
	employee := b.env.WithUser(b.user("employee")).NoSudo()
	if _, err := account.InvoicePDF(employee, id); !orm.IsCode(err, orm.CodeAccess) {
		t.Errorf("an employee printed an invoice: %v", err)
	}
	reader := b.env.WithUser(b.user("reader", "account.group_account_readonly")).NoSudo()
	must[[]byte](t)(account.InvoicePDF(reader, id))
}
