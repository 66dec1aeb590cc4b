package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"

	"fusionsoft.ca/fusion/framework/scaffold"
)

// scaffoldCmd writes the files of a new addon: into the module it is called in, or,
// where there is none, with a module of its own.
type scaffoldCmd struct {
	Name   string `arg:"" help:"Name of the addon, in snake_case."`
	Model  string `default:"item" placeholder:"NAME" help:"What its model is called: “book” makes library.book in the addon library."`
	Dir    string `default:"addons" placeholder:"DIR" help:"Folder of the addons, in the module of the program."`
	Module string `placeholder:"PATH" help:"In an empty folder: path of the new Go module; example.com/ and the addon's name unless given."`
	Fusion string `placeholder:"DIR" help:"In an empty folder: a checkout of Fusion to build with, in place of a published version."`
}

// Run writes the addon and says how to go on.
func (c *scaffoldCmd) Run(out io.Writer) error {
	inside, err := scaffold.InModule(c.Dir)
	if err != nil {
		return err
	}
	if !inside && filepath.IsLocal(c.Dir) {
		return c.program(out)
	}
	if c.Module != "" || c.Fusion != "" {
		return errors.New("--module and --fusion are for a module of its own, in an empty folder; here the addon joins the module that is there")
	}
	return c.addon(out)
}

// program writes a module of its own into this folder.
func (c *scaffoldCmd) program(out io.Writer) error {
	a, err := scaffold.WriteProgram(".", scaffold.Program{Name: c.Name, Model: c.Model, Way: c.Dir, Module: c.Module, Version: fusionVersion(), Checkout: c.Fusion})
	if err != nil {
		return err
	}
	for _, f := range a.Files {
		fmt.Fprintln(out, filepath.FromSlash(f))
	}
	fmt.Fprintln(out, "\nWhat to do next (README.md says more):")
	if c.Fusion == "" {
		fmt.Fprint(out, fetch)
	}
	_, err = fmt.Fprint(out, `  1. Build and test it, as every change must pass:
         .ci/run
  2. Serve it, with the addon installed:
         make run
`)
	return err
}

// fetch is what brings Fusion into a module.
var fetch = fmt.Sprintf(`  0. Fetch Fusion and what it needs:
         go mod tidy
     With a checkout of it in place of a published version, before that:
         go mod edit -require=%[1]s@v0.0.0 -replace=%[1]s=FOLDER_OF_FUSION
`, scaffold.Fusion)

// addon writes an addon into the module that is there.
func (c *scaffoldCmd) addon(out io.Writer) error {
	a, err := scaffold.Write(c.Dir, c.Name, c.Model)
	if err != nil {
		return err
	}
	for _, f := range a.Files {
		fmt.Fprintln(out, filepath.Join(a.Dir, filepath.FromSlash(f)))
	}
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nWhat to do next:")
	if here != a.Root {
		fmt.Fprintf(out, "     In the folder of the module:\n         cd %s\n", shellWord(a.Root))
	}
	if !a.UsesFusion {
		fmt.Fprint(out, fetch)
	}
	fmt.Fprintf(out, "  1. Test the addon:\n         go test ./%s\n", a.Way)
	if a.List == "" {
		_, err = fmt.Fprint(out, `  2. List it in a program. This module has none in main.go; the command that you
     called writes one, with what builds and serves it, when the folder is empty.
`)
		return err
	}
	line := fmt.Sprintf("%q", a.Import)
	if a.Package != a.Name {
		line = a.Package + " " + line
	}
	_, err = fmt.Fprintf(out, `  2. List it in the program, %s. Among the imports:
         %s
     and at the end of the list of addons:
         %s.Addon(),
  3. Build the program again:
         make build
  4. Look for wrong names:
         bin/fusion check
  5. Install and serve it:
         bin/fusion -d my_database -i %s
`, a.List, line, a.Package, a.Name)
	return err
}

// shellWord writes a word as a shell takes it for one.
func shellWord(s string) string {
	if !strings.ContainsAny(s, " \t\n'\"\\$`&|;<>()*?[]{}~#!") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// fusionVersion is the published version of Fusion that this program was built
// with; "" when it was built from a checkout, whose version nobody else can fetch.
func fusionVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range append(info.Deps, &info.Main) {
		if m.Path == scaffold.Fusion && m.Replace == nil && m.Sum != "" {
			return m.Version
		}
	}
	return ""
}
