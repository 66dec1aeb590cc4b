package pgtest_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"fusionsoft.ca/fusion/framework/pglocal/pgtest"
)

func TestServerIsFreshOrGiven(t *testing.T) {
	// Not parallel: it sets the environment.
	t.Setenv(pgtest.Env, "")
	t.Setenv("TMPDIR", t.TempDir())
	url, stop, err := pgtest.Server(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var fsync string
	if err := conn.QueryRow(t.Context(), "SHOW fsync").Scan(&fsync); err != nil || fsync != "off" {
		t.Errorf("fsync = %q, %v", fsync, err)
	}

	t.Setenv(pgtest.Env, "postgres://given")
	url, again, err := pgtest.Server(t.Context())
	if err != nil || url != "postgres://given" {
		t.Errorf("got %q, %v", url, err)
	}
	again()
}
