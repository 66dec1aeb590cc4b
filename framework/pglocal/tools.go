package pglocal

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
)

// Tool finds a client program of PostgreSQL, such as pg_dump, that knows servers
// of a major version: in FUSION_PG_BIN, on PATH, or where packages put it.
func Tool(name string, major int) (string, error) {
	var dirs []string
	if forced := os.Getenv(BinEnv); forced != "" {
		dirs = []string{forced}
	} else {
		// What packages installed first: on PATH Debian has a wrapper that chooses
		// a version of its own.
		dirs = installed()
		if path, err := exec.LookPath(name); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	for _, dir := range dirs {
		path := filepath.Join(dir, name)
		out, err := exec.Command(path, "--version").Output()
		if err != nil {
			continue
		}
		m := versionNumber.FindSubmatch(out)
		if m == nil {
			continue
		}
		if have, err := strconv.Atoi(string(m[1])); err == nil && have >= major {
			return path, nil
		}
	}
	return "", fmt.Errorf("%s for PostgreSQL %d or newer is not installed: install the Debian package postgresql-client-%[2]d, or name its folder in %s", name, major, BinEnv)
}
