package tutorial

import (
	"testing"

	"fusionsoft.ca/fusion/framework/scaffold"
)

// TestScaffold writes an addon and runs the tests that were written with it.
func TestScaffold(t *testing.T) {
	t.Parallel()
	l := newTree(t)
	a, err := scaffold.Write(l.path("addons"), "my_addon", "")
	if err != nil {
		t.Fatal(err)
	}
	if a.Import != "fusionsoft.ca/fusion/addons/my_addon" {
		t.Errorf("imported as %s", a.Import)
	}
	l.keepsRules()
	l.test("my_addon", "TestEveryNameExists", "TestFinish", "TestRights")
}
