package filestore_test

import (
	"fmt"
	"os"

	"fusionsoft.ca/fusion/framework/filestore"
)

func Example() {
	dir, err := os.MkdirTemp("", "files-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	store := filestore.Dir(dir)
	first, err := store.Put([]byte("hello"))
	if err != nil {
		fmt.Println(err)
		return
	}
	second, err := store.Put([]byte("hello")) // the same content is stored once
	fmt.Println(first[:8], first == second, err)
	content, err := store.Get(first)
	fmt.Printf("%s %v\n", content, err)
	// Output:
	// 2cf24dba true <nil>
	// hello <nil>
}
