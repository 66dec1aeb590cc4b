package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/keyring"
	"fusionsoft.ca/fusion/framework/keyring/rotate"
	"fusionsoft.ca/fusion/framework/module"
)

// secretCmd holds the commands about the keys that encrypt secrets, such as the
// keys of stores.
type secretCmd struct {
	Status secretStatusCmd `cmd:"" help:"Count the secrets of a database by the key they are encrypted with."`
	Rotate secretRotateCmd `cmd:"" help:"Encrypt all secrets of a database with a new key."`
	Retire secretRetireCmd `cmd:"" help:"Throw away the old keys of the data directory, when nothing needs them any more."`
	Key    secretKeyCmd    `cmd:"" help:"Print a new key, for FUSION_SECRET_KEYS."`
}

type secretKeyCmd struct{}

// Run prints a key.
func (c *secretKeyCmd) Run(out io.Writer) error {
	key, err := newKey()
	if err == nil {
		_, err = fmt.Fprintln(out, hex.EncodeToString(key))
	}
	return err
}

type secretStatusCmd struct{ databaseFlags }

// Run lists keys with the number of secrets.
func (c *secretStatusCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		use, err := rotate.Use(ctx, s.DB)
		if err != nil {
			return err
		}
		for i, id := range s.DB.Keys.IDs() {
			note := "old"
			if i == 0 {
				note = "encrypts"
			}
			fmt.Fprintf(out, "key %s (%s): %d secrets\n", id, note, use[id])
			delete(use, id)
		}
		for _, id := range slices.Sorted(maps.Keys(use)) {
			fmt.Fprintf(out, "key %s (missing): %d secrets, which cannot be read\n", id, use[id])
		}
		return nil
	})
}

type secretRotateCmd struct{ databaseFlags }

// Run makes a new key, unless an earlier rotation has one that is not used
// everywhere yet, and encrypts with it. The key is on disk before anything is
// encrypted with it, and the old ones stay, so that nothing is lost whenever it
// is interrupted.
func (c *secretRotateCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	unlock, err := lockKeys(c.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		use, err := rotate.Use(ctx, s.DB)
		if err != nil {
			return err
		}
		current := s.DB.Keys.IDs()[0]
		total := 0
		for _, n := range use {
			total += n
		}
		switch {
		case use[current] < total: // go on with a rotation
		case os.Getenv(KeyEnv) != "":
			return fmt.Errorf("all %d secrets are encrypted with the first key of %s; put a new one in front of it (“fusion secret key” makes one), start the servers again with that, and repeat this", total, KeyEnv)
		default:
			if err := addKey(c.DataDir, s.DB.Keys); err != nil {
				return err
			}
		}
		s.tellKeys(ctx)
		n, err := rotate.Secrets(ctx, s.DB, rotate.Options{})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "%d secrets of %s are encrypted with the key %s now. Old keys are kept until “fusion secret retire”.\n", n, s.Name(), s.DB.Keys.IDs()[0])
		return err
	})
}

// addKey puts a new key in front of those of a data directory.
func addKey(dataDir string, ring *keyring.Keyring) error {
	keys, err := readKeys(dataDir)
	if err != nil {
		return err
	}
	key, err := newKey()
	if err != nil {
		return err
	}
	keys = append([][]byte{key}, keys...)
	if err := replaceKeys(keyFile(dataDir), keys...); err != nil {
		return fmt.Errorf("the new key cannot be stored: %w", err)
	}
	return ring.Set(keys...)
}

// keysNotice tells other processes that the keys of secrets have changed.
const keysNotice = "keys"

func (s *System) tellKeys(ctx context.Context) {
	if _, err := s.DB.ExecContext(ctx, "SELECT pg_notify(?, ?)", module.Channel, keysNotice); err != nil {
		s.Settings.Logger.Warn("servers cannot be told of the new keys; start them again", "error", err.Error())
	}
}

type secretRetireCmd struct {
	databaseFlags
	Yes bool `short:"y" help:"No other database uses the data directory. The databases of a private cluster are looked at anyway."`
}

// Run removes the old keys.
func (c *secretRetireCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	unlock, err := lockKeys(c.DataDir)
	if err != nil {
		return err
	}
	defer unlock()
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		ids := s.DB.Keys.IDs()
		if len(ids) == 1 {
			_, err := fmt.Fprintf(out, "there is one key only, %s\n", ids[0])
			return err
		}
		inUse, err := s.oldKeysInUse(ctx)
		if err != nil {
			return err
		}
		if len(inUse) > 0 {
			return fmt.Errorf("old keys are needed still: %s. Run “fusion secret rotate” on these databases first", strings.Join(inUse, "; "))
		}
		if os.Getenv(KeyEnv) != "" {
			_, err := fmt.Fprintf(out, "only %s is used; keep the first key of %s and take the others out\n", ids[0], KeyEnv)
			return err
		}
		if s.cluster == nil && !c.Yes {
			return errors.New("other databases may use this data directory; if none does, repeat this with --yes")
		}
		keys, err := readKeys(c.DataDir)
		if err != nil {
			return err
		}
		if err := replaceKeys(keyFile(c.DataDir), keys[0]); err != nil {
			return err
		}
		s.tellKeys(ctx)
		_, err = fmt.Fprintf(out, "thrown away: %s. Keep backups from before together with them, or make new ones.\n", strings.Join(ids[1:], ", "))
		return err
	})
}

// oldKeysInUse tells where other keys than the first are used: in the database,
// and in all others of a private cluster.
func (s *System) oldKeysInUse(ctx context.Context) ([]string, error) {
	found := map[string]map[string]int{}
	use, err := rotate.Use(ctx, s.DB)
	if err != nil {
		return nil, err
	}
	found[s.Name()] = use
	if s.cluster != nil {
		var names []string
		if err := s.DB.NewRaw("SELECT datname FROM pg_database WHERE NOT datistemplate AND datname NOT IN ('postgres', ?)", s.Name()).Scan(ctx, &names); err != nil {
			return nil, err
		}
		for _, name := range names {
			db, err := module.Open(ctx, s.cluster.URL(name), s.App.Addons)
			if err != nil {
				return nil, fmt.Errorf("the database %s cannot be looked at: %w", name, err)
			}
			found[name], err = rotate.Use(ctx, db)
			if err = errors.Join(err, db.Close()); err != nil {
				return nil, fmt.Errorf("the database %s cannot be looked at: %w", name, err)
			}
		}
	}
	var out []string
	current := s.DB.Keys.IDs()[0]
	for _, name := range slices.Sorted(maps.Keys(found)) {
		for _, id := range slices.Sorted(maps.Keys(found[name])) {
			if id != current {
				out = append(out, fmt.Sprintf("%s by %d secrets of %s", id, found[name][id], name))
			}
		}
	}
	return out, nil
}
