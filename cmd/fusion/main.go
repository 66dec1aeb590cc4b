// Command fusion is the program with the standard addons. The command line itself
// is framework/cli, the list of addons is in the package standard; only the
// demonstration, which sells in a simulated store, is here.
package main

import (
	"fusionsoft.ca/fusion/framework/cli"
	"fusionsoft.ca/fusion/standard"
)

func main() { cli.Main(program()) }

func program() cli.App {
	app := standard.Program()
	app.Commands = []any{&commands{}}
	return app
}

// commands are what this program adds to those of every program.
type commands struct {
	Demo demoCmd `cmd:"" help:"Start a complete shop: a private database, all addons, and a simulated WooCommerce store whose orders are imported."`
}
