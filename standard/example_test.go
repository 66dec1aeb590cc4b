package standard_test

import (
	"fmt"

	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/standard"
)

// A program of another module: what main hands to cli.Main.
func ExampleProgram() {
	app := standard.Program(module.Addon{Name: "workshop", Title: "Workshop", Version: "1.0.0", Depends: []string{"sale"}})
	app.Name, app.Version = "Workshop", "1.0.0"
	fmt.Println(app.Addons[0].Name, "…", app.Addons[len(app.Addons)-1].Name)
	fmt.Println(len(module.Check(app.Addons)), "wrong names")
	// Output:
	// base … workshop
	// 0 wrong names
}
