package cli_test

import (
	"fusionsoft.ca/fusion/framework/cli"
	"fusionsoft.ca/fusion/framework/module"
)

// A program is a list of addons; standard.Program gives that of cmd/fusion, with
// base.Addon() as the first. The flags, the database and the server come with it.
func ExampleMain() {
	shelves := module.Addon{Name: "shelves", Title: "Shelves", Version: "1.0.0"}
	cli.Main(cli.App{
		Name:    "Workshop",
		Version: "1.0.0",
		Addons:  []module.Addon{shelves},
	})
}
