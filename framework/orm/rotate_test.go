package orm

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
)

type vault struct {
	Record `orm:"s.vault" label:"Vault"`
	Name   string `orm:"name"`
	Token  Secret `orm:"token"`
	Other  Secret `orm:"other"`
}

func vaultRegistry(t testing.TB) *Registry {
	return registryOf(t, func(r *Registry) { Define[vault](r) })
}

// secretsOf reads the secrets back with the keys a database has.
func secretsOf(t testing.TB, db *DB) []string {
	t.Helper()
	var out []string
	err := db.View(context.Background(), System(), func(e *Env) error {
		rs, err := e.Model("s.vault").Search(nil, SearchOptions{Order: "id"})
		if err != nil {
			return err
		}
		list, err := Read[vault](e, rs.IDs)
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

func useOf(t testing.TB, db *DB) string {
	t.Helper()
	use, err := SecretUse(t.Context(), db)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(use)
}

func TestRotateSecrets(t *testing.T) {
	db := testDBOf(t, vaultRegistry(t))
	old, fresh := make([]byte, 32), []byte(strings.Repeat("k", 32))
	a, b := KeyID(old), KeyID(fresh)
	var want []string
	if err := db.Run(t.Context(), System(), func(e *Env) error {
		for i := range 25 {
			vals := Values{"name": fmt.Sprint(i), "token": fmt.Sprintf("t%d", i)}
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
		_, err = e.Exec(SQL("ALTER TABLE s_vault ADD COLUMN former text, ADD COLUMN plain text; UPDATE s_vault SET former = '" + sealedText + "', plain = 'v1:no secret' WHERE name = '3'"))
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
	_, err := RotateSecrets(t.Context(), db, Rotation{Batch: 4, Progress: func(done int) error {
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
		wg.Go(func() { sum[i], errs[i] = RotateSecrets(context.Background(), db, Rotation{Batch: 4}) })
	}
	wg.Wait()
	if err := errors.Join(errs[:]...); err != nil || sum[0]+sum[1] != 31 {
		t.Fatalf("%v values, %v", sum, err)
	}
	if got, want := useOf(t, db), fmt.Sprint(map[string]int{b: 31}); got != want {
		t.Errorf("after the rotation %s, want %s", got, want)
	}
	if n, err := RotateSecrets(t.Context(), db, Rotation{}); n != 0 || err != nil {
		t.Errorf("once more: %d, %v", n, err)
	}
	if err := db.Keys.Set(fresh); err != nil { // the old key is retired
		t.Fatal(err)
	}
	wantLines(t, "without the old key", secretsOf(t, db), want...)
	former := lines(t, db, "SELECT former, plain FROM s_vault WHERE name = '3'")
	text, _, _ := strings.Cut(former[0], "|")
	if plain, err := db.Keys.Open(text); plain != "forgotten" || err != nil || !strings.HasSuffix(former[0], "|v1:no secret") {
		t.Errorf("the value of the field that is gone: %q, %v", plain, err)
	}

	// A value whose key is missing stops the rotation and is named.
	if err := db.Keys.Set(old); err != nil {
		t.Fatal(err)
	}
	_, err = RotateSecrets(t.Context(), db, Rotation{})
	if err == nil || !strings.Contains(err.Error(), "s_vault.former of record 4: a stored secret was encrypted with a key that is not configured (key "+b+")") {
		t.Errorf("got %v", err)
	}
}
