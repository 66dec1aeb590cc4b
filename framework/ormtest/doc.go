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
// back in the end; [DB] gives a clone of its own to a test that commits.
// Templates are kept between runs of an unchanged test program, clones are
// not. The server is the one FUSION_TEST_PG names, or else a private one (see
// pgtest); nothing has to be started or stopped by the tests.
//
// The tables of background jobs are there too, so that code under test may
// enqueue some; nothing works them.
//
// The package may be imported by tests only, and by those of orm, module and
// jobs from outside of their packages, since it stands on them.
package ormtest
