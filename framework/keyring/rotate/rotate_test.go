package rotate_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/keyring/rotate"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

type vault struct {
	orm.Record `orm:"s.vault" label:"Vault"`
	Name       string     `orm:"name"`
	Token      orm.Secret `orm:"token"`
	Other      orm.Secret `orm:"other"`
}

func vaults() module.Addon {
	return module.Addon{Name: "vaults", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) { orm.Define[vault](r) }}
}

func wantLines(t testing.TB, what string, got []string, want ...string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%q\nwant\n%q", what, got, want)
	}
}

// secretsOf reads the secrets back with the keys a database has.
func secretsOf(t testing.TB, db *orm.DB) []string {
	t.Helper()
	var out []string
	err := db.View(context.Background(), orm.System(), func(e *orm.Env) error {
		rs, err := e.Model("s.vault").Search(nil, orm.SearchOptions{Order: "id"})
		if err != nil {
			return err
		}
		list, err := orm.Read[vault](e, rs.IDs)
		for _, v := range list {
			out = append(out, v.Token.Reveal()+"/"+v.Other.Reveal())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func useOf(t testing.TB, db *orm.DB) string {
	t.Helper()
	use, err := rotate.Use(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(use)
}

func TestSecrets(t *testing.T) {
	db := ormtest.DB(t, base.Addon(), vaults())
	old, fresh := make([]byte, 32), []byte(strings.Repeat("k", 32))
	if err := db.Keys.Set(old); err != nil {
		t.Fatal(err)
	}
	a, b := keyring.KeyID(old), keyring.KeyID(fresh)
	var want []string
	if err := db.Run(t.Context(), orm.System(), func(e *orm.Env) error {
		for i := range 25 {
			vals := orm.Values{"name": fmt.Sprint(i), "token": fmt.Sprintf("t%d", i)}
			w := fmt.Sprintf("t%d/", i)
			if i%5 == 0 {
				vals["other"] = "o"
				w += "o"
			}
			if _, err := e.Model("s.vault").Create(vals); err != nil {
				return err
			}
			want = append(want, w)
		}
		// A field that is gone by now held a secret too.
		sealedText, err := db.Keys.Seal("forgotten")
		if err != nil {
			return err
		}
		_, err = e.Exec(orm.SQL("ALTER TABLE s_vault ADD COLUMN former text, ADD COLUMN plain text; UPDATE s_vault SET former = '" + sealedText + "', plain = 'v1:no secret' WHERE name = '3'"))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	if err := db.Keys.Set(fresh, old); err != nil {
		t.Fatal(err)
	}
	wantLines(t, "before", secretsOf(t, db), want...)

	// The server ends the connection after the second batch: nothing has changed.
	killed := false
	_, err := rotate.Secrets(t.Context(), db, rotate.Options{Batch: 4, Progress: func(done int) error {
		if done < 8 || killed {
			return nil
		}
		killed = true
		_, err := db.ExecContext(context.Background(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()")
		return err
	}})
	if err == nil || !killed || !strings.Contains(err.Error(), "the secrets keep their keys") {
		t.Fatalf("killed %v: %v", killed, err)
	}
	if got, want := useOf(t, db), fmt.Sprint(map[string]int{a: 31}); got != want {
		t.Errorf("after a crash %s, want %s", got, want)
	}
	wantLines(t, "after a crash", secretsOf(t, db), want...)

	// Two at once: one waits for the other's rows, and finds them done.
	var wg sync.WaitGroup
	var sum [2]int
	var errs [2]error
	for i := range sum {
		wg.Go(func() { sum[i], errs[i] = rotate.Secrets(context.Background(), db, rotate.Options{Batch: 4}) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil || sum[0]+sum[1] != 31 {
		t.Fatalf("%v values, %v", sum, err)
	}
	if got, want := useOf(t, db), fmt.Sprint(map[string]int{b: 31}); got != want {
		t.Errorf("after the rotation %s, want %s", got, want)
	}
	if n, err := rotate.Secrets(t.Context(), db, rotate.Options{}); n != 0 || err != nil {
		t.Errorf("once more: %d, %v", n, err)
	}
	if err := db.Keys.Set(fresh); err != nil { // the old key is retired
		t.Fatal(err)
	}
	wantLines(t, "without the old key", secretsOf(t, db), want...)
	var text, other string
	if err := db.QueryRowContext(t.Context(), "SELECT former, plain FROM s_vault WHERE name = '3'").Scan(&text, &other); err != nil {
		t.Fatal(err)
	}
	if plain, err := db.Keys.Open(text); plain != "forgotten" || err != nil || other != "v1:no secret" {
		t.Errorf("the value of the field that is gone: %q, %v", plain, err)
	}

	// A value whose key is missing stops the rotation and is named.
	if err := db.Keys.Set(old); err != nil {
		t.Fatal(err)
	}
	_, err = rotate.Secrets(t.Context(), db, rotate.Options{})
	if err == nil || !strings.Contains(err.Error(), "s_vault.former of record 4: a stored secret was encrypted with a key that is not configured (key "+b+")") {
		t.Errorf("got %v", err)
	}
}
