// Package pgtest gives tests a PostgreSQL server: the one that FUSION_TEST_PG
// names, or else a private one that is shared by every test program of this
// account and ends with the last of them. It knows nothing of the framework
// and imports only pglocal.
package pgtest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"fusionsoft.ca/fusion/framework/pglocal"
)

// Env names the variable with the URL of a maintenance database, where tests
// may create databases of their own.
const Env = "FUSION_TEST_PG"

// Server returns the URL of a maintenance database. stop must be called when
// the test program ends; the server goes away by itself if it is not. The
// private server gives up durability for speed.
func Server(ctx context.Context) (url string, stop func(), err error) {
	if url = os.Getenv(Env); url != "" {
		return url, func() {}, nil
	}
	// One folder for all, so that packages tested side by side share it.
	c, err := pglocal.Start(ctx, pglocal.Config{
		Dir:  filepath.Join(os.TempDir(), fmt.Sprintf("fusion-test-pg-%d", os.Geteuid())),
		Fast: true,
	})
	if err != nil {
		return "", nil, fmt.Errorf("pgtest: %w", err)
	}
	stop = func() {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		_ = c.Stop(ctx) // only test data is at stake, and the watchdog is behind it
	}
	return c.URL(pglocal.MaintenanceDB), stop, nil
}
