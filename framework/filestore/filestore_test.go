package filestore_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"fusionsoft.ca/fusion/framework/filestore"
)

func put(t *testing.T, d filestore.Dir, content string) string {
	t.Helper()
	key, err := d.Put([]byte(content))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// age makes a file as if it had been put two days ago.
func age(t *testing.T, d filestore.Dir, name string) {
	t.Helper()
	then := time.Now().Add(-48 * time.Hour)
	if err := os.Chtimes(filepath.Join(string(d), name), then, then); err != nil {
		t.Fatal(err)
	}
}

func TestFiles(t *testing.T) {
	t.Parallel()
	d := filestore.Dir(filepath.Join(t.TempDir(), "files"))
	key := put(t, d, "hello")
	if again := put(t, d, "hello"); again != key {
		t.Errorf("equal content under %s and %s", key, again)
	}
	if b, err := d.Get(key); err != nil || string(b) != "hello" {
		t.Errorf("Get: %q %v", b, err)
	}
	for _, bad := range []string{"", "../" + key, key[:63] + "g", "../../../../../../../../etc/passwd"} {
		if _, err := d.Get(bad); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("Get(%q): %v", bad, err)
		}
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() { put(t, d, "together") })
	}
	wg.Wait()
	if left, _ := filepath.Glob(filepath.Join(string(d), "new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestSweep(t *testing.T) {
	t.Parallel()
	d := filestore.Dir(filepath.Join(t.TempDir(), "files"))
	if n, err := d.Sweep(time.Now(), nil); n != 0 || err != nil {
		t.Fatalf("an absent store: %d %v", n, err)
	}
	used, fresh, gone, again := put(t, d, "used"), put(t, d, "fresh"), put(t, d, "gone"), put(t, d, "again")
	for _, key := range []string{used, gone, again} {
		age(t, d, filepath.Join(key[:2], key))
	}
	put(t, d, "again") // for a transaction under way
	if err := os.WriteFile(filepath.Join(string(d), "new-crashed"), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	age(t, d, "new-crashed")
	var asked []string
	n, err := d.Sweep(time.Now().Add(-24*time.Hour), func(keys []string) (map[string]bool, error) {
		asked = append(asked, keys...)
		return map[string]bool{used: true}, nil
	})
	if err != nil || n != 1 {
		t.Fatalf("%d deleted, %v", n, err)
	}
	want := []string{used, gone}
	slices.Sort(want)
	if slices.Sort(asked); !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
	for _, key := range []string{used, fresh, again} {
		if _, err := d.Get(key); err != nil {
			t.Error(err)
		}
	}
	if _, err := d.Get(gone); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("what nobody needs: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(string(d), "new-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	// Content put while it is being swept is not lost.
	for range 200 {
		key := put(t, d, "contended")
		age(t, d, filepath.Join(key[:2], key))
		var wg sync.WaitGroup
		wg.Go(func() { put(t, d, "contended") })
		if _, err := d.Sweep(time.Now().Add(-24*time.Hour), func([]string) (map[string]bool, error) { return nil, nil }); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		if _, err := d.Get(key); err != nil {
			t.Fatal(err)
		}
	}
}
