// Package bench measures the program against yardsticks in the same run: the
// record layer against statements written by hand for the same work, and the
// calls of clients against what a real Odoo 18 did with them on a machine of the
// same kind (testdata/odoo18.json). The figures that count are the ratios. It
// runs by make bench only, and nothing fails by being slow.
package bench
