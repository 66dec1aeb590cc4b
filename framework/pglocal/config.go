package pglocal

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
)

// Names that every cluster has.
const (
	// Superuser is the role that owns the cluster and its databases.
	Superuser = "fusion"
	// MaintenanceDB exists in every cluster; connect to it to create others.
	MaintenanceDB = "postgres"
	// BinEnv names the environment variable that says which folder holds
	// initdb and postgres, before any search.
	BinEnv = "FUSION_PG_BIN"

	port = "5432" // only part of the socket's file name: nothing listens on TCP
)

// Errors that callers may want to tell apart with errors.Is.
var (
	ErrNotInstalled = errors.New("PostgreSQL is not installed")
	ErrInUse        = errors.New("data directory is in use")
)

// Config says where the cluster lives and how it runs.
type Config struct {
	// Dir holds everything of the cluster: data, socket, locks, server log.
	// It is created when missing. Required.
	Dir string
	// Logger gets the life of the cluster (started, joined, stopped). The
	// server's own messages go to postgres.log in Dir. Default: discarded.
	Logger *slog.Logger
	// BinDir is the folder of initdb and postgres. Default: $FUSION_PG_BIN,
	// then PATH, then the newest of the usual installation folders.
	BinDir string
	// User is the account that runs the server when this process is root.
	// Default: the owner of existing data, else "postgres", else "nobody".
	// Without effect when this process is not root.
	User string
	// Settings are PostgreSQL settings that win over the defaults of this
	// package. They apply when this Start starts the server, not when it joins
	// a running one. Those that would open the cluster to others are refused.
	Settings map[string]string
	// Fast gives up durability for speed: a crash may lose or corrupt data.
	// For tests only.
	Fast bool
}

var settingName = regexp.MustCompile(`^[a-z_][a-z0-9_.]*$`)

// settings is the full list given to the server, in a stable order.
func (c Config) settings() ([]string, error) {
	all := map[string]string{
		"shared_buffers":       "128MB",
		"max_connections":      "100",
		"work_mem":             "16MB",
		"maintenance_work_mem": "64MB",
		"effective_cache_size": "1GB",
		"random_page_cost":     "1.1",
		"jit":                  "off",
		"wal_compression":      "on",
		"timezone":             "UTC",
		"log_timezone":         "UTC",
		// Statements and rows may carry secrets. "log" leaves failed
		// statements out (their client has the error), "terse" the DETAIL
		// that would quote rows and queries.
		"log_min_messages":        "log",
		"log_min_error_statement": "panic",
		"log_error_verbosity":     "terse",
		"log_checkpoints":         "off",
		"logging_collector":       "off",
	}
	if c.Fast {
		maps.Copy(all, map[string]string{
			"fsync":              "off",
			"synchronous_commit": "off",
			"full_page_writes":   "off",
			"autovacuum":         "off",
			"wal_level":          "minimal",
			"max_wal_senders":    "0",
			"max_wal_size":       "4GB",
			"checkpoint_timeout": "1h",
			"max_connections":    "400",
		})
	}
	for name, value := range c.Settings {
		switch {
		case !settingName.MatchString(name):
			return nil, fmt.Errorf("pglocal: %q is not the name of a PostgreSQL setting", name)
		case slices.Contains([]string{
			"listen_addresses", "port", "unix_socket_directories", "unix_socket_permissions",
			"unix_socket_group", "data_directory", "hba_file", "ident_file", "config_file",
			"external_pid_file",
		}, name):
			return nil, fmt.Errorf("pglocal: the setting %s belongs to the private cluster and cannot be changed; set DATABASE_URL to use a server of your own", name)
		}
		all[name] = value
	}
	var args []string
	for _, name := range slices.Sorted(maps.Keys(all)) {
		args = append(args, "-c", name+"="+all[name])
	}
	return args, nil
}
