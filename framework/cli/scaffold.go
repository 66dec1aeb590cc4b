package cli

import (
	"fmt"
	"io"
	"path/filepath"

	"fusionsoft.ca/fusion/framework/scaffold"
)

// fusionModule is the Go module of the framework.
const fusionModule = "fusionsoft.ca/fusion"

// scaffoldCmd writes the files of a new addon.
type scaffoldCmd struct {
	Name  string `arg:"" help:"Name of the addon, in snake_case."`
	Model string `default:"item" placeholder:"NAME" help:"What its model is called: “book” makes library.book in the addon library."`
	Dir   string `default:"addons" placeholder:"DIR" help:"Folder of the addons, in the module of the program."`
}

// Run writes the addon and says how to go on.
func (c *scaffoldCmd) Run(out io.Writer) error {
	a, err := scaffold.Write(c.Dir, c.Name, c.Model)
	if err != nil {
		return err
	}
	for _, f := range a.Files {
		fmt.Fprintln(out, filepath.Join(a.Dir, filepath.FromSlash(f)))
	}
	folder := a.Dir
	if !filepath.IsAbs(folder) {
		folder = "./" + filepath.ToSlash(folder) // as go test wants it
	}
	line := fmt.Sprintf("%q", a.Import)
	if a.Package != a.Name {
		line = a.Package + " " + line
	}
	fmt.Fprintln(out, "\nWhat to do next:")
	if a.Module != fusionModule {
		fmt.Fprintf(out, `  0. Once, since this is another module than Fusion's:
         go mod edit -require=%[1]s@v0.0.0 -replace=%[1]s=FOLDER_OF_FUSION
         go mod tidy
     and a program like cmd/fusion/main.go there.
`, fusionModule)
	}
	_, err = fmt.Fprintf(out, `  1. Test the addon:          go test %s
  2. List it in the program, cmd/fusion/main.go. Among the imports:
         %s
     and at the end of Addons:
         %s.Addon(),
  3. Build the program again: make build
  4. Look for wrong names:    bin/fusion check
  5. Install and serve it:    bin/fusion -d my_database -i %s
`, folder, line, a.Package, a.Name)
	return err
}
