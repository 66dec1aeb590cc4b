package pglocal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// postmaster is what the server says about itself in postmaster.pid.
type postmaster struct {
	pid    int
	socket string // directory of the socket
	status string // "starting", "ready", "stopping"
}

func pidFile(pgdata string) string { return filepath.Join(pgdata, "postmaster.pid") }

// readPostmaster returns what the pid file says, alive or not; ok is false when
// there is none or it is not written to the end yet.
func readPostmaster(pgdata string) (pm postmaster, ok bool) {
	raw, err := os.ReadFile(pidFile(pgdata))
	if err != nil {
		return pm, false
	}
	lines := strings.Split(string(raw), "\n")
	if pm.pid, err = strconv.Atoi(strings.TrimSpace(lines[0])); err != nil || pm.pid <= 1 {
		return pm, false
	}
	if len(lines) > 4 {
		pm.socket = strings.TrimSpace(lines[4])
	}
	if len(lines) > 7 {
		pm.status = strings.TrimSpace(lines[7])
	}
	return pm, true
}

// alive tells whether the process runs and is a server on pgdata: a pid can
// belong to somebody else after a reboot.
func alive(pid int, pgdata string) bool {
	if err := syscall.Kill(pid, 0); err != nil && !errors.Is(err, syscall.EPERM) {
		return false
	}
	if _, err := os.Stat("/proc/self/cwd"); err != nil {
		return true // no /proc here; the pid has to do
	}
	return worksIn(pid, pgdata)
}

// worksIn tells whether pgdata is the working directory of the process, which
// is so for every process of a server. A zombie has none.
func worksIn(pid int, pgdata string) bool {
	cwd, err := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "cwd"))
	return err == nil && cwd == pgdata
}

// findRunning returns the server that runs on pgdata. One that is stopping is
// waited for, and counts as not running.
func findRunning(ctx context.Context, pgdata string) (pm postmaster, ok bool, err error) {
	for {
		pm, ok = readPostmaster(pgdata)
		if !ok || !alive(pm.pid, pgdata) {
			return pm, false, nil
		}
		if pm.status == "ready" {
			return pm, true, nil
		}
		if !sleep(ctx, poll) {
			return pm, false, fmt.Errorf("pglocal: the server on %s (process %d) stays %q: %w", pgdata, pm.pid, pm.status, ctx.Err())
		}
	}
}

// clearRemains makes way for a new server after one that was killed. Its
// children end by themselves, but only between statements; meanwhile they still
// write to the shared memory and PostgreSQL rightly refuses to start. They are
// told to quit. The pid file goes only when no process of the server is left.
// The caller holds use.lock exclusively.
func clearRemains(ctx context.Context, pgdata string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	for {
		left := processesIn(pgdata)
		if len(left) == 0 {
			break
		}
		for _, pid := range left {
			_ = syscall.Kill(pid, syscall.SIGQUIT) // gone already is fine
		}
		if !sleep(ctx, poll) {
			return fmt.Errorf("pglocal: processes %v of an earlier server still work in %s: end them first (%w)", left, pgdata, ErrInUse)
		}
	}
	if err := os.Remove(pidFile(pgdata)); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("pglocal: stale pid file: %w", err)
	}
	return nil
}

// processesIn lists the server processes whose working directory is pgdata;
// without /proc, none.
func processesIn(pgdata string) []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		pid, err := strconv.Atoi(e.Name())
		if err != nil || !worksIn(pid, pgdata) {
			continue
		}
		// An administrator's shell may stand in the folder: only servers count.
		comm, err := os.ReadFile(filepath.Join("/proc", e.Name(), "comm"))
		if err == nil && strings.HasPrefix(string(comm), "postgres") {
			pids = append(pids, pid)
		}
	}
	return pids
}
