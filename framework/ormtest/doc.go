// Package ormtest is what tests of an addon import: it gives them databases
// with the addon installed, golden files and a count of queries.
//
//	func TestConfirm(t *testing.T) {
//		t.Parallel()
//		env := ormtest.New(t, base.Addon(), sale.Addon())
//		…
//	}
//
// The addons are installed once, into a template database; every test works on
// a clone. [New] lends a clone to one test at a time and rolls its transaction
// back in the end; [DB] gives a clone of its own to a test that commits. [Run]
// and [RunDB] do the same for examples, and [URL] gives an empty database.
// Templates are kept between runs, and shared by all test programs where the addons
// are those of the checkout; one that a test declares gives its program templates of
// its own, until it changes. Clones are not kept. The server is the one FUSION_TEST_PG names, or else a private one (see
// pgtest); nothing has to be started or stopped by the tests.
//
// What a test may expect: the superuser's rights (use env.WithUser(id).NoSudo()
// for those of a user), the company and users that base brings, no demonstration
// data, and a clock that is the machine's (set db.Now before work begins for
// another). Two tests of one program never see each other's records.
//
// [Golden] compares texts with files in testdata and writes them with -update;
// [MaxQueries] counts statements, so that a loop that reads record by record
// is noticed.
//
// The tables of background jobs are there too, so that code under test may
// enqueue some; nothing works them.
//
// The package may be imported by tests only, and by those of orm, module and
// jobs from outside of their packages, since it stands on them.
package ormtest
