package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestShopGoesOn sells in a store, ends the program in the two ways there are,
// and opens the store again.
func TestShopGoesOn(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	s, err := openShop(dir, "", log)
	if err != nil {
		t.Fatal(err)
	}
	before := len(s.OrderIDs(""))
	first, err := s.sell()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openShop(dir, "", log); err == nil || !strings.Contains(err.Error(), "open in another fusion demo") {
		t.Errorf("the store is opened twice: %v", err)
	}
	about := s.about
	// As after kill -9: nothing is saved at the end.
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s.unlock()

	if s, err = openShop(dir, "", log); err != nil {
		t.Fatal(err)
	}
	if ids := s.OrderIDs(""); len(ids) != before+1 || ids[len(ids)-1] != first {
		t.Errorf("order %d is gone: %d orders, want %d", first, len(ids), before+1)
	}
	if s.about != about {
		t.Errorf("another store: %+v, was %+v", s.about, about)
	}
	second, err := s.sell()
	if err != nil || second <= first {
		t.Errorf("order %d after order %d, %v", second, first, err)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "store", "store.json"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file with the store's keys: %v, %v", info.Mode(), err)
	}
}

// TestShopOfAnotherFolder refuses to take another store for the one that the
// data directory holds.
func TestShopOfAnotherFolder(t *testing.T) {
	t.Parallel()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	folder := t.TempDir()
	for name, content := range map[string]string{"products.json": "[]", "orders.json": "[]", "settings_general.json": `[{"id":"woocommerce_currency","value":"EUR"},{"id":"woocommerce_default_country","value":"CA:QC"}]`} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for range 2 { // the second time by the folder's name again
		s, err := openShop(dir, folder, log)
		if err != nil {
			t.Fatal(err)
		}
		if s.about.Currency != "EUR" || s.about.Country != "CA" || s.about.State != "QC" || len(s.OrderIDs("")) != 0 {
			t.Errorf("%+v", s.about)
		}
		if err := s.close(); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "orders.json"), []byte(`[{"id": 4}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openShop(dir, folder, log); err == nil || !strings.Contains(err.Error(), "choose another --data-dir") {
		t.Errorf("a changed folder is taken for the old one: %v", err)
	}
	s, err := openShop(dir, "", log) // without a folder it goes on
	if err != nil {
		t.Fatal(err)
	}
	if s.about.Currency != "EUR" {
		t.Errorf("%+v", s.about)
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "store", "store.json"), []byte(`{"About": {`), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openShop(dir, "", log); err == nil || !strings.Contains(err.Error(), "damaged") {
		t.Errorf("a damaged file: %v", err)
	}
}
