package pglocal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

const oldestMajor = 13

// binaries is one installation of PostgreSQL.
type binaries struct {
	dir   string
	major int
}

func (b binaries) initdb() string   { return filepath.Join(b.dir, "initdb") }
func (b binaries) postgres() string { return filepath.Join(b.dir, "postgres") }

var versionNumber = regexp.MustCompile(`\) (\d+)`)

// inspect asks the installation in dir for its version; ok is false when
// initdb or postgres is missing or does not run.
func inspect(dir string) (b binaries, ok bool) {
	postgres, err := filepath.EvalSymlinks(filepath.Join(dir, "postgres"))
	if err != nil {
		return b, false
	}
	b.dir = filepath.Dir(postgres)
	if _, err := os.Stat(b.initdb()); err != nil {
		return b, false
	}
	out, err := exec.Command(b.postgres(), "--version").Output()
	if err != nil {
		return b, false
	}
	m := versionNumber.FindSubmatch(out)
	if m == nil {
		return b, false
	}
	b.major, err = strconv.Atoi(string(m[1]))
	return b, err == nil
}

// findBinaries picks an installation. Existing data (pgdata holds PG_VERSION)
// needs the very major version that made it; new data takes the first found.
func findBinaries(binDir, pgdata string) (binaries, error) {
	var dirs []string
	forced := binDir
	if forced == "" {
		forced = os.Getenv(BinEnv)
	}
	if forced != "" {
		dirs = []string{forced}
	} else {
		if path, err := exec.LookPath("postgres"); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
		dirs = append(dirs, installed()...)
	}

	need := 0
	if raw, err := os.ReadFile(filepath.Join(pgdata, "PG_VERSION")); err == nil {
		need, err = strconv.Atoi(strings.TrimSpace(string(raw)))
		if err != nil {
			return binaries{}, fmt.Errorf("pglocal: %s does not hold a version number: the data directory is damaged", filepath.Join(pgdata, "PG_VERSION"))
		}
	}

	var seen []string
	for _, dir := range dirs {
		b, ok := inspect(dir)
		if !ok {
			continue
		}
		if b.major >= oldestMajor && (need == 0 || b.major == need) {
			return b, nil
		}
		if v := strconv.Itoa(b.major); !slices.Contains(seen, v) {
			seen = append(seen, v)
		}
	}
	switch {
	case need != 0 && len(seen) > 0:
		return binaries{}, fmt.Errorf("pglocal: the data in %s was made by PostgreSQL %d, installed is %s: install the Debian package postgresql-%d, or dump the data with it and restore into a new directory", pgdata, need, strings.Join(seen, ", "), need)
	case len(seen) > 0:
		return binaries{}, fmt.Errorf("pglocal: PostgreSQL %d or newer is needed, installed is %s: %w in a usable version", oldestMajor, strings.Join(seen, ", "), ErrNotInstalled)
	case forced != "":
		return binaries{}, fmt.Errorf("pglocal: %w in %s (no working initdb and postgres there): correct %s or leave it empty", ErrNotInstalled, forced, BinEnv)
	default:
		return binaries{}, fmt.Errorf("pglocal: %w: neither PATH nor /usr/lib/postgresql/*/bin holds initdb and postgres. Install the Debian package \"postgresql\" (apt-get install postgresql), name the folder in %s, or set DATABASE_URL to an existing server", ErrNotInstalled, BinEnv)
	}
}

// installed lists where packages put the server, newest version first.
func installed() []string {
	var dirs []string
	for _, pattern := range []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin"} {
		found, _ := filepath.Glob(pattern) // the only error is a bad pattern
		dirs = append(dirs, found...)
	}
	digits := regexp.MustCompile(`\d+`)
	version := func(dir string) int {
		n, _ := strconv.Atoi(digits.FindString(dir)) // no number sorts last
		return n
	}
	slices.SortStableFunc(dirs, func(a, b string) int { return version(b) - version(a) })
	return dirs
}
