package pglocal

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	// defaultStart bounds Start when its context has no deadline; recovery
	// after a crash of a busy server can take minutes.
	defaultStart = 5 * time.Minute
	// socketLimit is what the path of a unix socket may take, with its
	// closing zero byte.
	socketLimit = 107
	logRotate   = 8 << 20 // bytes
)

// Cluster is a running server that this process uses. Its methods may be
// called from several goroutines.
type Cluster struct {
	dir    string // Config.Dir, real path
	pgdata string
	socket string // directory
	pid    int
	log    *slog.Logger

	gone chan struct{} // closed when the server process has ended
	left chan struct{} // closed when Stop leaves the server to others

	mu  sync.Mutex // guards what follows
	use *fileLock  // nil once given back
	dog *watchdog  // nil once dismissed
	up  bool       // between the end of Start and Stop
}

// Start makes the cluster of cfg.Dir ready for connections: it creates it on
// first use, joins it when it runs already, and starts it otherwise. ctx bounds
// the start only. Stop must be called in the end; should the process die
// first, the server is stopped behind it.
func Start(ctx context.Context, cfg Config) (_ *Cluster, err error) {
	if cfg.Dir == "" {
		return nil, errors.New("pglocal: Config.Dir is empty")
	}
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, defaultStart)
		defer cancel()
	}
	settings, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	c := &Cluster{log: cfg.Logger, gone: make(chan struct{}), left: make(chan struct{})}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	if c.dir, err = realDir(cfg.Dir); err != nil {
		return nil, err
	}
	c.pgdata = filepath.Join(c.dir, "pgdata")

	starting, err := openLock(filepath.Join(c.dir, "start.lock"))
	if err != nil {
		return nil, err
	}
	defer starting.release()
	if err := starting.wait(ctx, syscall.LOCK_EX); err != nil {
		return nil, err
	}
	if c.use, err = openLock(c.useLock()); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			c.release()
		}
	}()
	// Waits for whoever is stopping the server.
	if err := c.use.wait(ctx, syscall.LOCK_SH); err != nil {
		return nil, err
	}
	acct, err := chooseAccount(cfg.User, c.pgdata)
	if err != nil {
		return nil, err
	}
	if c.dog, err = startWatchdog(c.useLock(), c.pgdata); err != nil {
		return nil, err
	}

	pm, running, err := findRunning(ctx, c.pgdata)
	if err != nil {
		return nil, err
	}
	if running {
		c.pid, c.socket, c.up = pm.pid, pm.socket, true
		go c.watchJoined()
		c.log.Info("joined the running private PostgreSQL", "dir", c.dir, "pid", c.pid)
		return c, nil
	}
	if err := c.start(ctx, cfg, acct, settings); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *Cluster) useLock() string { return filepath.Join(c.dir, "use.lock") }

func realDir(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err == nil {
		err = os.MkdirAll(abs, 0o755)
	}
	if err == nil {
		abs, err = filepath.EvalSymlinks(abs)
	}
	if err != nil {
		return "", fmt.Errorf("pglocal: data directory: %w", err)
	}
	return abs, nil
}

// start runs with start.lock held and no live server in sight.
func (c *Cluster) start(ctx context.Context, cfg Config, acct account, settings []string) error {
	if err := c.alone(ctx); err != nil {
		return err
	}
	bins, err := findBinaries(cfg.BinDir, c.pgdata)
	if err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(c.pgdata, "PG_VERSION")); errors.Is(err, os.ErrNotExist) {
		if err := c.initdb(ctx, bins, acct, cfg.Fast); err != nil {
			return err
		}
	} else if err := c.adopt(acct); err != nil {
		return err
	}
	if err := clearRemains(ctx, c.pgdata); err != nil {
		return err
	}
	if c.socket, err = c.socketDir(acct); err != nil {
		return err
	}
	if err := c.launch(ctx, bins, acct, settings); err != nil {
		return err
	}
	// The kernel drops the exclusive lock before it gives the shared one; a
	// late watchdog may slip in between and stop the server.
	if err := c.use.wait(ctx, syscall.LOCK_SH); err != nil {
		return err
	}
	c.mu.Lock()
	c.up = true
	c.mu.Unlock()
	if !c.Running() {
		return fmt.Errorf("pglocal: the server in %s was stopped right after its start: try again", c.dir)
	}
	c.log.Info("started the private PostgreSQL", "dir", c.dir, "pid", c.pid, "version", bins.major)
	return nil
}

// alone takes use.lock for itself. When somebody else holds it although no
// server runs here, the holder has not yet noticed that its server died, or it
// sees processes that this one cannot see (another container on this folder):
// starting a second server would destroy the data.
func (c *Cluster) alone(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := c.use.wait(ctx, syscall.LOCK_EX); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("pglocal: %w: another program holds %s but its server is not to be seen from here (another container?): stop that program first", ErrInUse, c.dir)
		}
		return err
	}
	return nil
}

// adopt makes data that was, say, restored by root usable by the account.
func (c *Cluster) adopt(acct account) error {
	if owner, _ := ownerOf(c.pgdata); !acct.drop || owner == acct.uid {
		return nil
	}
	if err := acct.own(c.pgdata); err != nil {
		return fmt.Errorf("pglocal: ownership of the data: %w", err)
	}
	return nil
}

// initdb creates the cluster beside its final place and moves it there when it
// is complete, so that an interrupted start leaves nothing half-made.
func (c *Cluster) initdb(ctx context.Context, bins binaries, acct account, fast bool) error {
	halves, _ := filepath.Glob(filepath.Join(c.dir, "pgdata.init-*")) // the pattern is sound
	for _, half := range halves {
		if err := os.RemoveAll(half); err != nil {
			return fmt.Errorf("pglocal: left over from an interrupted start: %w", err)
		}
	}
	if entries, err := os.ReadDir(c.pgdata); err == nil && len(entries) > 0 {
		return fmt.Errorf("pglocal: %s is not empty and holds no PostgreSQL data: choose another data directory", c.pgdata)
	}
	began := time.Now()
	// Bytewise order is fast and the same everywhere; the UTF-8 character
	// types let upper, lower and ILIKE know letters beyond ASCII.
	out, err := c.runInitdb(ctx, bins, acct, fast, "C.UTF-8")
	if err != nil && strings.Contains(out, "invalid locale") {
		c.log.Warn("this system has no locale C.UTF-8: searches will tell É from é", "dir", c.dir)
		out, err = c.runInitdb(ctx, bins, acct, fast, "C")
	}
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return fmt.Errorf("pglocal: initdb: %w\n%s", err, strings.TrimSpace(out))
	}
	c.log.Info("created a private PostgreSQL cluster", "dir", c.dir, "version", bins.major, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func (c *Cluster) runInitdb(ctx context.Context, bins binaries, acct account, fast bool, ctype string) (output string, err error) {
	fresh, err := os.MkdirTemp(c.dir, "pgdata.init-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(fresh) // moved away when all went well
	if err := acct.own(fresh); err != nil {
		return "", err
	}
	args := []string{"--username", Superuser, "--auth", "trust", "--encoding", "UTF8", "--locale", "C", "--lc-ctype", ctype}
	if fast {
		args = append(args, "--no-sync")
	} else {
		args = append(args, "--data-checksums")
	}
	cmd := exec.CommandContext(ctx, bins.initdb(), args...)
	name, done, err := acct.command(cmd, fresh)
	if err != nil {
		return "", err
	}
	defer done()
	cmd.Args = append(cmd.Args, "--pgdata", name)
	out, err := cmd.CombinedOutput()
	if err != nil {
		return string(out), err
	}
	if err := os.Remove(c.pgdata); err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", err
	}
	return "", os.Rename(fresh, c.pgdata)
}

// socketDir returns a directory for the socket that only the account can enter:
// inside the data directory, or below /tmp where that path is too long or
// closed to the account.
func (c *Cluster) socketDir(acct account) (string, error) {
	dir := filepath.Join(c.dir, "run")
	if len(dir)+len("/.s.PGSQL."+port) >= socketLimit || acct.barred(c.dir) != "" {
		dir = filepath.Join("/tmp", fmt.Sprintf("fusion-pg-%x", sha256.Sum256([]byte(c.dir)))[:len("fusion-pg-")+16])
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", fmt.Errorf("pglocal: socket directory: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("pglocal: socket directory: %w", err)
	}
	owner := -1
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		owner = int(st.Uid)
	}
	// Somebody else could have put the folder there to catch connections.
	if !info.IsDir() || (owner != acct.uid && owner != os.Geteuid()) {
		return "", fmt.Errorf("pglocal: %s is not a directory of %q: remove it", dir, acct.name)
	}
	if acct.drop {
		err = os.Lchown(dir, acct.uid, acct.gid)
	}
	if err == nil {
		err = os.Chmod(dir, 0o700)
	}
	if err != nil {
		return "", fmt.Errorf("pglocal: socket directory: %w", err)
	}
	return dir, nil
}

// launch starts the server and waits until it takes connections.
func (c *Cluster) launch(ctx context.Context, bins binaries, acct account, settings []string) error {
	logPath := filepath.Join(c.dir, "postgres.log")
	if info, err := os.Stat(logPath); err == nil && info.Size() > logRotate {
		if err := os.Rename(logPath, logPath+".1"); err != nil {
			return fmt.Errorf("pglocal: server log: %w", err)
		}
	}
	// A file rather than a pipe: it goes on when this process is killed.
	out, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("pglocal: server log: %w", err)
	}
	defer out.Close()
	before, err := out.Seek(0, 2)
	if err != nil {
		return fmt.Errorf("pglocal: server log: %w", err)
	}

	cmd := exec.Command(bins.postgres())
	name, done, err := acct.command(cmd, c.pgdata)
	if err != nil {
		return err
	}
	defer done()
	cmd.Args = append(cmd.Args, "-D", name, "-k", c.socket, "-p", port,
		"-c", "listen_addresses=", "-c", "unix_socket_permissions=0700")
	cmd.Args = append(cmd.Args, settings...)
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("pglocal: start the server: %w", err)
	}
	c.pid = cmd.Process.Pid
	go func() {
		_ = cmd.Wait() // how it ended is in the server log
		c.ended()
	}()

	for {
		if pm, ok := readPostmaster(c.pgdata); ok && pm.pid == c.pid && pm.status == "ready" {
			return nil
		}
		select {
		case <-c.gone:
			return fmt.Errorf("pglocal: the server did not start; the end of %s:\n%s", logPath, tail(logPath, before))
		case <-ctx.Done():
			_ = syscall.Kill(c.pid, syscall.SIGINT)
			<-c.gone
			return fmt.Errorf("pglocal: the server was not ready in time: %w; the end of %s:\n%s", ctx.Err(), logPath, tail(logPath, before))
		case <-time.After(poll):
		}
	}
}

// tail is what the log says since the offset, its last lines.
func tail(path string, from int64) string {
	raw, err := os.ReadFile(path)
	if err != nil || int64(len(raw)) < from {
		return ""
	}
	lines := strings.Split(strings.TrimSpace(string(raw[from:])), "\n")
	return strings.Join(lines[max(0, len(lines)-12):], "\n")
}

// watchJoined notices the end of a server that is not this process's child.
func (c *Cluster) watchJoined() {
	tick := time.NewTicker(4 * poll)
	defer tick.Stop()
	for alive(c.pid, c.pgdata) {
		select {
		case <-tick.C:
		case <-c.left:
			return
		}
	}
	c.ended()
}

// ended runs once, when the server process is gone.
func (c *Cluster) ended() {
	c.mu.Lock()
	up := c.up
	c.mu.Unlock()
	if up {
		c.log.Error("the private PostgreSQL ended by itself", "dir", c.dir, "pid", c.pid)
		c.release() // so that another Start may begin anew
	}
	close(c.gone)
}

// release gives back the lock and dismisses the watchdog; calling it again does
// nothing.
func (c *Cluster) release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.use != nil {
		c.use.release()
		c.use = nil
	}
	if c.dog != nil {
		c.dog.dismiss()
		c.dog = nil
	}
}

// Running tells whether the server process is there.
func (c *Cluster) Running() bool {
	select {
	case <-c.gone:
		return false
	default:
		return alive(c.pid, c.pgdata)
	}
}

// Gone is closed when the server process has ended, by Stop or by itself; it
// stays open when Stop left the server to others. A program whose server is
// gone by itself should end, or Start again.
func (c *Cluster) Gone() <-chan struct{} { return c.gone }

// Stop ends this process's use of the cluster. When nobody else uses it, the
// server is shut down: open transactions are rolled back, everything committed
// is on disk. When ctx ends before that is done, the server is ended at once
// and recovers at the next start; the error then is ctx's. Calling Stop again
// does nothing.
func (c *Cluster) Stop(ctx context.Context) error {
	c.mu.Lock()
	up, use := c.up, c.use
	c.up = false
	c.mu.Unlock()
	if !up || use == nil {
		return nil
	}
	defer c.release()

	// Changing a shared lock to an exclusive one fails while others share it.
	last, err := use.try(syscall.LOCK_EX)
	if err != nil {
		return err
	}
	if !last {
		close(c.left)
		c.log.Info("left the private PostgreSQL running for its other users", "dir", c.dir)
		return nil
	}
	if err := syscall.Kill(c.pid, syscall.SIGINT); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("pglocal: stop process %d: %w", c.pid, err)
	}
	select {
	case <-c.gone:
	case <-ctx.Done():
		_ = syscall.Kill(c.pid, syscall.SIGQUIT)
		<-c.gone
		return fmt.Errorf("pglocal: the server did not shut down in time and was ended: %w", ctx.Err())
	}
	_ = os.Remove(c.socket) // fails where anything is left in it, as it should
	c.log.Info("stopped the private PostgreSQL", "dir", c.dir)
	return nil
}
