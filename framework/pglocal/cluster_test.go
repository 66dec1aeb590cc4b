package pglocal

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func start(t *testing.T, cfg Config) *Cluster {
	t.Helper()
	c, err := Start(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, c) })
	return c
}

func stop(t *testing.T, c *Cluster) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if err := c.Stop(ctx); err != nil {
		t.Error(err)
	}
}

// query runs one statement and returns its one value as text.
func query(t *testing.T, c *Cluster, db, sql string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.URL(db))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var out string
	if err := conn.QueryRow(ctx, sql).Scan(&out); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

func exe(t *testing.T, c *Cluster, db, sql string) {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, c.URL(db))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	if _, err := conn.Exec(ctx, sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// holder starts another process that uses the cluster in dir.
func holder(t *testing.T, dir string) (cmd *exec.Cmd, server, dog int) {
	t.Helper()
	cmd = exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderEnv+"="+dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	line, _ := bufio.NewReader(out).ReadString('\n')
	if _, err := fmt.Sscanf(line, "ready %d %d", &server, &dog); err != nil {
		t.Fatalf("holder said %q", line)
	}
	return cmd, server, dog
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(poll) {
		if ok() {
			return
		}
	}
	t.Fatal("never came true: " + what)
}

func TestStartStopRestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := start(t, Config{Dir: dir})
	ctx := t.Context()
	for range 2 { // the second time it exists
		if err := c.CreateDatabase(ctx, `odd "name"`); err != nil {
			t.Fatal(err)
		}
	}
	exe(t, c, `odd "name"`, "CREATE TABLE t AS SELECT 'kept' AS v")
	for sql, want := range map[string]string{
		"SHOW listen_addresses":   "",
		"SHOW fsync":              "on",
		"SHOW synchronous_commit": "on",
		"SHOW data_checksums":     "on",
		"SHOW server_encoding":    "UTF8",
		"SHOW shared_buffers":     "128MB",
		"SHOW timezone":           "UTC",
		"SELECT lower('ÉÀ')":      "éà",
		"SELECT ('a' > 'B')::text || (SELECT datcollate FROM pg_database WHERE datname = current_database())": "trueC",
	} {
		if got := query(t, c, `odd "name"`, sql); got != want {
			t.Errorf("%s = %q, want %q", sql, got, want)
		}
	}
	if !c.Running() {
		t.Error("not Running after Start")
	}
	stop(t, c)
	if c.Running() || alive(c.pid, c.pgdata) {
		t.Error("still running after Stop")
	}
	if left := processesIn(c.pgdata); len(left) > 0 {
		t.Errorf("processes left: %v", left)
	}
	stop(t, c) // again: nothing happens

	c = start(t, Config{Dir: dir, Settings: map[string]string{"work_mem": "3MB"}})
	if got := query(t, c, `odd "name"`, "SELECT v FROM t"); got != "kept" {
		t.Errorf("after a restart the table says %q", got)
	}
	if got := query(t, c, MaintenanceDB, "SHOW work_mem"); got != "3MB" {
		t.Errorf("work_mem = %s", got)
	}
	if err := c.DropDatabase(ctx, `odd "name"`); err != nil {
		t.Fatal(err)
	}
	if got := query(t, c, MaintenanceDB, "SELECT count(*)::text FROM pg_database WHERE datname LIKE 'odd%'"); got != "0" {
		t.Error("the database is still there")
	}
}

func TestNeverListensOnTCP(t *testing.T) {
	t.Parallel()
	c := start(t, Config{Dir: t.TempDir(), Fast: true})
	if got := query(t, c, MaintenanceDB, "SELECT coalesce(inet_server_addr()::text, 'socket')"); got != "socket" {
		t.Errorf("connected over %s", got)
	}
	info, err := os.Stat(c.socket)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o700 {
		t.Errorf("socket directory has mode %v", info.Mode())
	}
	conn, err := net.Dial("unix", filepath.Join(c.socket, ".s.PGSQL."+port))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for _, name := range []string{"listen_addresses", "unix_socket_permissions", "work_mem=1; x"} {
		_, err := Start(t.Context(), Config{Dir: c.dir, Settings: map[string]string{name: "*"}})
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("setting %s: %v", name, err)
		}
	}
}

func TestTwoUsersShareOneServer(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var wg sync.WaitGroup
	clusters := make([]*Cluster, 4)
	for i := range clusters {
		wg.Go(func() {
			c, err := Start(t.Context(), Config{Dir: dir, Fast: true})
			if err != nil {
				t.Error(err)
				return
			}
			clusters[i] = c
		})
	}
	wg.Wait()
	if t.Failed() {
		t.FailNow()
	}
	for i, c := range clusters {
		if c.pid != clusters[0].pid {
			t.Errorf("user %d has server %d, the first %d", i, c.pid, clusters[0].pid)
		}
	}
	last := clusters[3]
	for _, c := range clusters[:3] {
		stop(t, c)
		if got := query(t, last, MaintenanceDB, "SELECT 1::text"); got != "1" {
			t.Error("the server went away under its last user")
		}
	}
	stop(t, last)
	if alive(last.pid, last.pgdata) {
		t.Error("the last user's Stop left the server running")
	}
}

func TestKilledServerLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := start(t, Config{Dir: dir})
	exe(t, c, MaintenanceDB, "CREATE TABLE t AS SELECT count(*)::text AS n FROM generate_series(1, 5000)")
	// A child that sleeps does not notice that the server died.
	conn, err := pgx.Connect(t.Context(), c.URL(MaintenanceDB))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	go func() { _, _ = conn.Exec(context.Background(), "SELECT pg_sleep(60)") }()
	eventually(t, "the sleeper sleeps", func() bool {
		return query(t, c, MaintenanceDB, "SELECT count(*)::text FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)'") == "1"
	})

	if err := syscall.Kill(c.pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-c.Gone()
	if c.Running() {
		t.Error("Running after the server was killed")
	}
	again := start(t, Config{Dir: dir})
	if got := query(t, again, MaintenanceDB, "SELECT n FROM t"); got != "5000" {
		t.Errorf("after recovery the table says %s", got)
	}
}

func TestWatchdogStopsTheServerOfAKilledProcess(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, server, _ := holder(t, dir)
	pgdata := filepath.Join(dir, "pgdata")
	pm, ok := readPostmaster(pgdata)
	if !ok || pm.pid != server || !alive(server, pgdata) {
		t.Fatal("the holder has no server")
	}
	if err := h.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server is stopped in good order", func() bool {
		_, err := os.Stat(pidFile(pgdata))
		return !alive(server, pgdata) && errors.Is(err, os.ErrNotExist)
	})
	eventually(t, "the socket directory is gone", func() bool {
		_, err := os.Stat(pm.socket)
		return errors.Is(err, os.ErrNotExist)
	})
}

func TestWatchdogSparesTheOtherUser(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, server, dog := holder(t, dir)
	c := start(t, Config{Dir: dir})
	if c.pid != server {
		t.Fatalf("joined %d, want %d", c.pid, server)
	}
	if err := h.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.Wait()
	eventually(t, "the watchdog gives up", func() bool { return syscall.Kill(dog, 0) != nil || isZombie(dog) })
	if got := query(t, c, MaintenanceDB, "SELECT 1::text"); got != "1" {
		t.Error("the server went away")
	}
	stop(t, c)
	if alive(server, c.pgdata) {
		t.Error("the last user's Stop left the server running")
	}
}

func TestJoinsAServerWhoseProcessAndWatchdogWereKilled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	h, server, dog := holder(t, dir)
	if err := syscall.Kill(dog, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if err := h.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = h.Wait()
	c := start(t, Config{Dir: dir})
	if c.pid != server {
		t.Errorf("started %d instead of joining %d", c.pid, server)
	}
	stop(t, c)
	if alive(server, c.pgdata) {
		t.Error("Stop left the joined server running")
	}
}

func isZombie(pid int) bool {
	raw, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	return err == nil && strings.Contains(string(raw), ") Z ")
}

func TestStalePidFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c := start(t, Config{Dir: dir, Fast: true})
	stop(t, c)
	// The pid of a process that lives, belongs to us and is no server.
	stale := fmt.Sprintf("%d\n%s\n1\n5432\n/nowhere\n\n0 0\nready\n", os.Getpid(), c.pgdata)
	if err := os.WriteFile(pidFile(c.pgdata), []byte(stale), 0o600); err != nil {
		t.Fatal(err)
	}
	c = start(t, Config{Dir: dir, Fast: true})
	if c.pid == os.Getpid() {
		t.Error("took itself for the server")
	}
	query(t, c, MaintenanceDB, "SELECT 1::text")
}

func TestUnseenUserIsNotTrampled(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	// As a program in another container would: the lock is held, no server is
	// to be seen.
	l, err := openLock(filepath.Join(dir, "use.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer l.release()
	if ok, err := l.try(syscall.LOCK_SH); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if _, err := Start(t.Context(), Config{Dir: dir}); !errors.Is(err, ErrInUse) {
		t.Errorf("got %v, want ErrInUse", err)
	}
}

func TestLongPathsKeepAShortSocket(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), strings.Repeat("long/", 25))
	c := start(t, Config{Dir: dir, Fast: true})
	query(t, c, MaintenanceDB, "SELECT 1::text")
	if len(c.socket) > 80 {
		t.Errorf("socket directory %s", c.socket)
	}
	stop(t, c)
	if _, err := os.Stat(c.socket); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("%s is left behind: %v", c.socket, err)
	}
}

func TestRootDropsToAnotherAccount(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root drops")
	}
	// One folder that other accounts may enter, one that they may not.
	for _, mode := range []os.FileMode{0o755, 0o700} {
		t.Run(mode.String(), func(t *testing.T) {
			t.Parallel()
			base, err := os.MkdirTemp("/tmp", "pglocal-")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(base) })
			if err := os.Chmod(base, mode); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(base, "data")
			c := start(t, Config{Dir: dir, User: "nobody"})
			owner, _ := ownerOf(filepath.Join("/proc", strconv.Itoa(c.pid)))
			if nameOf(owner) != "nobody" {
				t.Errorf("the server runs as %s", nameOf(owner))
			}
			if info, err := os.Stat(base); err != nil || info.Mode().Perm() != mode {
				t.Errorf("the folder above has mode %v now (%v)", info.Mode(), err)
			}
			exe(t, c, MaintenanceDB, "CREATE TABLE t AS SELECT 'kept' AS v")
			// A dying child makes the server start over inside itself.
			if got := query(t, c, MaintenanceDB, "SELECT pg_reload_conf()::text"); got != "true" {
				t.Error("reload failed")
			}
			stop(t, c)

			// Existing data decides who runs the server; root's becomes theirs.
			c = start(t, Config{Dir: dir})
			if owner, _ := ownerOf(filepath.Join("/proc", strconv.Itoa(c.pid))); nameOf(owner) != "nobody" {
				t.Errorf("after a restart the server runs as %s", nameOf(owner))
			}
			stop(t, c)
			if err := (account{drop: true}).own(c.pgdata); err != nil { // to root
				t.Fatal(err)
			}
			c = start(t, Config{Dir: dir, User: "nobody"})
			if got := query(t, c, MaintenanceDB, "SELECT v FROM t"); got != "kept" {
				t.Errorf("the table says %q", got)
			}
		})
	}
}

func TestCrashOfAChildBehindAClosedFolder(t *testing.T) {
	t.Parallel()
	// t.TempDir is closed to other accounts: as root this is the handed
	// directory, which must survive the server's own restart after a crash.
	c := start(t, Config{Dir: t.TempDir()})
	exe(t, c, MaintenanceDB, "CREATE TABLE t AS SELECT 'kept' AS v")
	pid, err := strconv.Atoi(query(t, c, MaintenanceDB, "SELECT pid::text FROM pg_stat_activity WHERE backend_type = 'walwriter'"))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the server takes connections again", func() bool {
		ctx := context.Background()
		conn, err := pgx.Connect(ctx, c.URL(MaintenanceDB))
		if err != nil {
			return false
		}
		defer conn.Close(ctx)
		var v string
		return conn.QueryRow(ctx, "SELECT v FROM t").Scan(&v) == nil && v == "kept"
	})
}

func TestErrorsSayWhatToDo(t *testing.T) {
	t.Parallel()
	t.Run("no directory", func(t *testing.T) {
		t.Parallel()
		if _, err := Start(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), "Dir") {
			t.Error(err)
		}
	})
	t.Run("not installed", func(t *testing.T) {
		t.Parallel()
		empty := t.TempDir()
		_, err := Start(t.Context(), Config{Dir: t.TempDir(), BinDir: empty})
		if !errors.Is(err, ErrNotInstalled) || !strings.Contains(err.Error(), empty) || !strings.Contains(err.Error(), BinEnv) {
			t.Error(err)
		}
	})
	t.Run("other major version", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		pgdata := filepath.Join(dir, "pgdata")
		if err := os.Mkdir(pgdata, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(pgdata, "PG_VERSION"), []byte("9999\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "postgresql-9999") {
			t.Error(err)
		}
	})
	t.Run("foreign files", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "pgdata", "photos"), 0o700); err != nil {
			t.Fatal(err)
		}
		if _, err := Start(t.Context(), Config{Dir: dir}); err == nil || !strings.Contains(err.Error(), "not empty") {
			t.Error(err)
		}
	})
	t.Run("refused setting", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		_, err := Start(t.Context(), Config{Dir: dir, Settings: map[string]string{"max_connections": "many"}})
		if err == nil || !strings.Contains(err.Error(), `"max_connections"`) {
			t.Errorf("the server's own words are missing: %v", err)
		}
		start(t, Config{Dir: dir, Fast: true}) // nothing stands in the way now
	})
}

func ExampleStart() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	ctx := context.Background()
	c, err := Start(ctx, Config{Dir: dir})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer c.Stop(ctx)
	if err := c.CreateDatabase(ctx, "shop"); err != nil {
		fmt.Println(err)
		return
	}
	conn, err := pgx.Connect(ctx, c.URL("shop"))
	if err != nil {
		fmt.Println(err)
		return
	}
	defer conn.Close(ctx)
	var name string
	fmt.Println(conn.QueryRow(ctx, "SELECT current_database()").Scan(&name), name)
	// Output: <nil> shop
}
