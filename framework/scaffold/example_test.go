package scaffold_test

import (
	"fmt"
	"os"
	"path/filepath"

	"fusionsoft.ca/fusion/framework/scaffold"
)

// What fusion scaffold library --model book does in the folder addons.
func ExampleWrite() {
	dir, err := os.MkdirTemp("", "module-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module example.com/shop\n"), 0o600); err != nil {
		fmt.Println(err)
		return
	}
	a, err := scaffold.Write(dir, "library", "book")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(a.Import, a.Model.Plural)
	for _, name := range a.Files {
		fmt.Println("-", name)
	}
	_, err = scaffold.Write(dir, "My Library", "")
	fmt.Println(err)
	// Output:
	// example.com/shop/library Books
	// - addon.go
	// - addon_test.go
	// - book.go
	// - security/ir.model.access.csv
	// - security/library_groups.xml
	// - views/book_views.xml
	// "My Library" cannot be the name of an addon; use lower case letters, digits and single underscores between them, as in my_library
}
