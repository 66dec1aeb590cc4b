package report_test

import (
	"fmt"
	"time"

	"fusionsoft.ca/fusion/framework/report"
	"fusionsoft.ca/fusion/framework/report/reporttest"
)

// A document is written from top to bottom. Equal content gives equal bytes,
// so Created is given, as the date of the invoice.
func Example() {
	d := report.New(report.Options{Title: "Invoice 7", Created: time.Date(2026, 3, 15, 0, 0, 0, 0, time.UTC)})
	d.Part(report.Letterhead{Name: "Azure Interior", Lines: []string{"4557 De Silva St", "Fremont CA 94538"}})
	d.Title("Invoice 7")
	d.Table(
		[]report.Column{{Header: "Description", Share: 3}, {Header: "Amount", Share: 1, Right: true}},
		[]report.Row{{Cells: []string{"Desk", "100.00"}}, {Cells: []string{"Lamp", "20.00"}}})
	d.Totals([]report.Total{{Label: "Total", Amount: "120.00", Strong: true}})
	pdf, err := d.Bytes()
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := reporttest.Text(pdf)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(text)
	// Output:
	// Azure Interior
	// 4557 De Silva St
	// Fremont CA 94538
	// Invoice 7
	// Description | Amount
	// Desk | 100.00
	// Lamp | 20.00
	// Total | 120.00
	// 1 / 1
}
