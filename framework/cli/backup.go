package cli

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"fusionsoft.ca/fusion/framework/filestore"
	"fusionsoft.ca/fusion/framework/keyring/rotate"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/pglocal"
)

// A backup is a tar of three kinds of members, in this order: manifest.json, the
// dump of the database as pg_dump writes it, and the files of attachments by
// their hash. Secrets in it stay encrypted; the keys are not part of it.
const (
	manifestName = "manifest.json"
	dumpName     = "database.dump"
	filesDir     = "files/"
	backupFormat = 1
)

// manifest says what a backup holds.
type manifest struct {
	Format   int               `json:"format"`
	Program  string            `json:"program"`
	Database string            `json:"database"`
	Made     time.Time         `json:"made"`
	Server   int               `json:"server"` // major version of PostgreSQL
	Addons   map[string]string `json:"addons"` // versions by name
	Keys     map[string]int    `json:"keys"`   // secrets by the id of their key
	Files    int               `json:"files"`
	Missing  []string          `json:"missing,omitempty"` // what attachments name, but the file store has not
}

// incomplete is the error of a backup or restore that did all it could, while
// files of attachments are gone.
func (m *manifest) incomplete(out io.Writer) error {
	if len(m.Missing) == 0 {
		return nil
	}
	for _, line := range m.Missing {
		fmt.Fprintln(out, "missing:", line)
	}
	return fmt.Errorf("everything else is there, but %d files that attachments name are missing or damaged (listed above); upload them again or delete these attachments", len(m.Missing))
}

type backupCmd struct {
	databaseFlags
	File string `arg:"" help:"The archive to write; it must not exist."`
}

// Run writes a backup. The archive gets its name when it is whole. Files of
// attachments that are gone are left out and told of; the command then fails,
// with the archive in place.
func (c *backupCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	if _, err := os.Stat(c.File); err == nil {
		return fmt.Errorf("%s exists; name another file", c.File)
	}
	return withSystem(ctx, app, &c.databaseFlags, g.Logger(slog.LevelWarn), func(s *System) error {
		list, err := module.Installed(ctx, s.DB)
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("there is nothing to back up: no addon is installed in %s", s.Name())
		}
		tmp, err := os.CreateTemp(filepath.Dir(c.File), ".backup-") // readable by its owner only
		if err != nil {
			return err
		}
		defer os.Remove(tmp.Name())
		m, err := s.backup(ctx, tmp, list)
		if err == nil {
			err = tmp.Sync()
		}
		if err = errors.Join(err, tmp.Close()); err != nil {
			return err
		}
		if err := os.Link(tmp.Name(), c.File); err != nil {
			return err
		}
		if _, err = fmt.Fprintf(out, "%s holds %s: %d addons, %d files. Keep the keys of secrets apart from it: %s\n", c.File, m.Database, len(m.Addons), m.Files, keyPlace(s.Settings.DataDir)); err != nil {
			return err
		}
		return m.incomplete(out)
	})
}

func keyPlace(dataDir string) string {
	if os.Getenv(KeyEnv) != "" {
		return KeyEnv
	}
	return keyFile(dataDir)
}

func (s *System) backup(ctx context.Context, to io.Writer, list []module.Status) (*manifest, error) {
	m := &manifest{Format: backupFormat, Program: s.App.Version, Database: s.Name(), Made: time.Now().UTC(), Addons: versions(list)}
	var err error
	if m.Keys, err = rotate.Use(ctx, s.DB); err != nil {
		return nil, err
	}
	if err := s.DB.NewRaw("SELECT current_setting('server_version_num')::int / 10000").Scan(ctx, &m.Server); err != nil {
		return nil, err
	}
	dump, err := os.CreateTemp("", "fusion-dump-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dump.Name())
	defer dump.Close()
	if err := runTool(ctx, "pg_dump", m.Server, s.url, dump, "--format=custom", "--no-owner", "--no-privileges"); err != nil {
		return nil, err
	}
	// Files are read after the dump, so that all it names are there: they are
	// kept for a day after the last attachment that named them went.
	keys, err := s.fileKeys(ctx, m)
	if err != nil {
		return nil, err
	}
	m.Files = len(keys)
	head, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, err
	}
	w := tar.NewWriter(to)
	put := func(name string, size int64, content io.Reader) error {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: m.Made}); err != nil {
			return err
		}
		_, err := io.Copy(w, content)
		return err
	}
	if err := put(manifestName, int64(len(head)), strings.NewReader(string(head))); err != nil {
		return nil, err
	}
	size, err := dump.Seek(0, io.SeekEnd)
	if err == nil {
		_, err = dump.Seek(0, io.SeekStart)
	}
	if err == nil {
		err = put(dumpName, size, dump)
	}
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		content, err := s.DB.Blobs.Get(key)
		if err != nil {
			return nil, fmt.Errorf("a file that attachments name cannot be read: %w", err)
		}
		if err := put(filesDir+key, int64(len(content)), strings.NewReader(string(content))); err != nil {
			return nil, err
		}
	}
	return m, w.Close()
}

// fileKeys are the files that attachments name and the file store has. Those it
// has not, or with another content, are noted in the manifest, with the
// attachments that name them.
func (s *System) fileKeys(ctx context.Context, m *manifest) ([]string, error) {
	if att, ok := s.DB.Registry.Model("ir.attachment"); !ok || att.Fields["store_fname"] == nil {
		return nil, nil
	}
	var rows []struct{ Key, Attachments string }
	err := s.DB.NewRaw(`SELECT store_fname AS key, string_agg(id::text, ', ' ORDER BY id) AS attachments
		FROM ir_attachment WHERE store_fname <> '' GROUP BY store_fname ORDER BY 1`).Scan(ctx, &rows)
	if err != nil {
		return nil, err
	}
	var keys []string
	for _, r := range rows {
		content, err := s.DB.Blobs.Get(r.Key)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("a file that attachments name cannot be read: %w", err)
		}
		if err != nil || filestore.Key(content) != r.Key {
			m.Missing = append(m.Missing, fmt.Sprintf("%q of the attachments %s", r.Key, r.Attachments))
			continue
		}
		keys = append(keys, r.Key)
	}
	return keys, nil
}

// runTool runs a program of PostgreSQL on a database. The address goes to it by
// environment, since command lines can be read by others.
func runTool(ctx context.Context, name string, major int, url string, out io.Writer, args ...string) error {
	path, err := pglocal.Tool(name, major)
	if err != nil {
		return err
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return errors.New("the address of the database cannot be read")
	}
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = append(os.Environ(), "PGHOST="+cfg.Host, fmt.Sprintf("PGPORT=%d", cfg.Port), "PGUSER="+cfg.User, "PGPASSWORD="+cfg.Password, "PGDATABASE="+cfg.Database)
	if cfg.TLSConfig != nil && os.Getenv("PGSSLMODE") == "" {
		cmd.Env = append(cmd.Env, "PGSSLMODE=require")
	}
	var errs strings.Builder
	cmd.Stdout, cmd.Stderr = out, &errs
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, strings.TrimSpace(errs.String()))
	}
	return nil
}

type restoreCmd struct {
	databaseFlags
	File    string `arg:"" type:"existingfile" help:"The archive to read."`
	Replace bool   `help:"Replace what the database holds; it cannot be undone."`
}

// Run restores a backup into an empty database. The archive is read to its end
// before the database is touched. When files of attachments were missing already
// as the backup was made, it says which, and fails once everything is restored.
func (c *restoreCmd) Run(ctx context.Context, app App, g *Globals, out io.Writer) error {
	set, err := c.settings(g.Logger(slog.LevelWarn))
	if err != nil {
		return err
	}
	return onServer(ctx, app, set, func(s *System) error {
		m, err := s.restore(ctx, c.File, c.Replace)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "%s holds the backup of %s from %s: %d addons, %d files\n", s.Name(), m.Database, m.Made.Format(time.DateTime), len(m.Addons), m.Files)
		ring, err := openKeyring(s.Settings.DataDir)
		if err != nil {
			return err
		}
		for id, n := range m.Keys {
			if !slices.Contains(ring.IDs(), id) {
				fmt.Fprintf(out, "%d secrets cannot be read without the key %s; put it into %s\n", n, id, keyPlace(s.Settings.DataDir))
			}
		}
		return m.incomplete(out)
	})
}

// onServer lets a command work on a database that need not be Fusion's yet.
func onServer(ctx context.Context, app App, set Settings, do func(*System) error) error {
	dir, err := filepath.Abs(set.DataDir)
	if err != nil {
		return err
	}
	set.DataDir = dir
	s := &System{App: app, Settings: set, url: set.URL}
	if s.url == "" {
		if err := s.startCluster(ctx); err != nil {
			return err
		}
	}
	return errors.Join(do(s), s.Close())
}

func (s *System) restore(ctx context.Context, file string, replace bool) (*manifest, error) {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return nil, fmt.Errorf("the database cannot be reached: %w", err)
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var tables, others, major int
	err = conn.QueryRow(ctx, `SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v')),
		(SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'),
		current_setting('server_version_num')::int / 10000`).Scan(&tables, &others, &major)
	if err != nil {
		return nil, err
	}
	switch {
	case tables > 0 && !replace:
		return nil, fmt.Errorf("the database %s is not empty; name another one, or add --replace to lose what it holds", s.Name())
	case others > 0:
		return nil, fmt.Errorf("%d other connections use the database %s; stop the servers first", others, s.Name())
	}
	dump, err := os.CreateTemp("", "fusion-dump-")
	if err != nil {
		return nil, err
	}
	defer os.Remove(dump.Name())
	m, err := s.unpack(file, dump)
	if err = errors.Join(err, dump.Close()); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if tables > 0 {
		if _, err := conn.Exec(ctx, "DROP SCHEMA public CASCADE; CREATE SCHEMA public"); err != nil {
			return nil, fmt.Errorf("emptying the database: %w", err)
		}
	}
	return m, runTool(ctx, "pg_restore", max(major, m.Server), s.url, io.Discard, "--no-owner", "--no-privileges", "--exit-on-error", "--single-transaction", "--dbname="+s.Name(), dump.Name())
}

// unpack reads an archive: the dump into a file, attachments into the store.
func (s *System) unpack(file string, dump io.Writer) (*manifest, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var m *manifest
	store := filestore.Dir(filepath.Join(s.Settings.DataDir, "files", s.Name()))
	r, files, dumped := tar.NewReader(f), 0, false
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("it is no backup or a damaged one: %w", err)
		}
		switch {
		case h.Name == manifestName && m == nil:
			m = &manifest{}
			if err := json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(m); err != nil {
				return nil, fmt.Errorf("its manifest cannot be read: %w", err)
			}
			if m.Format != backupFormat {
				return nil, fmt.Errorf("it has the format %d, this program reads %d", m.Format, backupFormat)
			}
		case m == nil:
			return nil, errors.New("it is no backup: its first member is not " + manifestName)
		case h.Name == dumpName:
			if _, err := io.Copy(dump, r); err != nil {
				return nil, fmt.Errorf("it is damaged: %w", err)
			}
			dumped = true
		case strings.HasPrefix(h.Name, filesDir):
			content, err := io.ReadAll(r)
			if err != nil {
				return nil, fmt.Errorf("it is damaged: %w", err)
			}
			key, err := store.Put(content)
			if err != nil {
				return nil, err
			}
			if key != strings.TrimPrefix(h.Name, filesDir) {
				return nil, fmt.Errorf("it is damaged: the content of %s is another", h.Name)
			}
			files++
		}
	}
	if m == nil || !dumped || files != m.Files {
		return nil, errors.New("it is not complete")
	}
	return m, nil
}
