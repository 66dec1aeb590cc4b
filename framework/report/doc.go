// Package report makes PDF documents such as invoices and delivery slips, and
// finds the method that makes the report an ir.actions.report names.
//
// A [Document] is written from top to bottom: a letterhead, titles, blocks side
// by side, tables that go on over pages, totals. It looks the same wherever it
// is made: the font travels with the program, and equal content gives equal
// bytes. Mistakes do not stop the writing; [Document.Bytes] reports the first.
//
// The font covers the Latin, Greek and Cyrillic scripts and many others, but
// neither East Asian scripts nor emoji; what it lacks prints as a box.
//
// The package may import framework/orm and nothing else of Fusion. It is the
// one place that knows gofpdf.
package report
