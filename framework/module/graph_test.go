package module_test

import (
	"strings"
	"testing"

	"fusionsoft.ca/fusion/framework/module"
)

func addonOf(name string, depends ...string) module.Addon {
	return module.Addon{Name: name, Version: "19.0.1.0.0", Depends: depends}
}

func namesOf(addons []module.Addon) string {
	var names []string
	for _, a := range addons {
		names = append(names, a.Name)
	}
	return strings.Join(names, " ")
}

func TestGraph(t *testing.T) {
	t.Parallel()
	ordered, err := module.Graph([]module.Addon{addonOf("sale", "product", "account"), addonOf("stock", "product"),
		addonOf("base"), addonOf("product", "base"), addonOf("account", "base")})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "order", namesOf(ordered), "base account product sale stock")
}

func TestGraphReportsAllMistakes(t *testing.T) {
	t.Parallel()
	bad := addonOf("bad", "base", "base", "bad")
	bad.Version = "nineteen"
	bad.Migrations = []module.Migration{{Version: "1.x"}}
	_, err := module.Graph([]module.Addon{addonOf("base"), addonOf("base"), bad, addonOf("Sale"),
		addonOf("stock", "prodct"), addonOf("product"), addonOf("a", "c"), addonOf("b", "a"), addonOf("c", "b")})
	if err == nil {
		t.Fatal("no mistake is found")
	}
	same(t, "mistakes", strings.Split(err.Error(), "\n"), []string{
		"base: two addons have this name",
		`bad: version "nineteen" is malformed; write numbers and dots, as in 19.0.1.0.0`,
		`bad: migration: version "1.x" is malformed; write numbers and dots, as in 19.0.1.0.0`,
		"Sale: an addon's name is made of small letters, digits and underscores",
		`bad: names the dependency "base" twice`,
		"bad: depends on itself",
		`stock: depends on "prodct", which is not among the addons; did you mean "product"?`,
		"a: dependencies go in a circle: a → c → b → a",
	})
}

func TestClosure(t *testing.T) {
	t.Parallel()
	bridge := addonOf("sale_stock", "sale", "stock")
	bridge.AutoInstall = true
	far := addonOf("sale_stock_more", "sale_stock")
	far.AutoInstall = true
	addons := []module.Addon{addonOf("base"), addonOf("sale", "base"), addonOf("stock", "base"), bridge, far, addonOf("other", "base")}
	for _, c := range []struct{ installed, names, want string }{
		{"", "sale", "base sale"},
		{"", "sale stock", "base sale stock sale_stock sale_stock_more"},
		{"base sale", "stock", "base sale stock sale_stock sale_stock_more"},
		{"base sale", "", "base sale"},
		{"base sale stock", "other", "base other sale stock"}, // the bridge was uninstalled
	} {
		got, err := module.Closure(addons, strings.Fields(c.installed), strings.Fields(c.names))
		if err != nil {
			t.Fatal(err)
		}
		same(t, c.installed+" + "+c.names, namesOf(got), c.want)
	}
	_, err := module.Closure(addons, []string{"base", "lost"}, []string{"sals"})
	if err == nil || !strings.Contains(err.Error(), `did you mean "sale"`) || !strings.Contains(err.Error(), "lost: is installed in the database but not part of this program") {
		t.Errorf("got %v", err)
	}
}
