package livestore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/framework/jobs"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/pglocal/pgtest"
)

// A crashed Fusion is this test program run again: it works jobs and answers
// webhooks until it kills itself, with SIGKILL, at a named point.
const (
	envDatabase = "LIVESTORE_DB"
	envCrash    = "LIVESTORE_CRASH" // point:how often it is passed unharmed
)

func TestMain(m *testing.M) {
	if url := os.Getenv(envDatabase); url != "" {
		if err := victim(url, os.Getenv(envCrash)); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// crash is where a process dies.
type crash struct {
	point string
	left  atomic.Int64
}

// pass is called at every point; the process may not survive it.
func (c *crash) pass(point string) {
	if point == c.point && c.left.Add(-1) < 0 {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
}

type (
	crashingLog   struct{ woocommerce.Log }
	crashingEvent struct{ woocommerce.Event }
	crashingSale  struct{ sale.Order }
)

// crashAddon puts points into the creation of records.
func (c *crash) addon() module.Addon {
	at := func(point string) func(orm.CreateFunc) orm.CreateFunc {
		return func(super orm.CreateFunc) orm.CreateFunc {
			return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
				made, err := super(rs, list)
				if err == nil {
					err = rs.Env.Flush()
				}
				c.pass(point)
				return made, err
			}
		}
	}
	return module.Addon{Name: "livestore_crash", Version: "1.0", Depends: []string{"fusion_woocommerce"}, Define: func(r *orm.Registry) {
		orm.Extend[crashingLog](r, "woo.sync.log").OnCreate(at("before commit"))
		orm.Extend[crashingEvent](r, "woo.event").OnCreate(at("webhook before commit"))
		orm.Extend[crashingSale](r, "sale.order").OnCreate(at("after the sale order"))
	}}
}

// victim is the process that crashes.
func victim(url, where string) error {
	c := &crash{}
	point, times, _ := strings.Cut(where, ":")
	c.point = point
	var n int64
	if _, err := fmt.Sscan(times, &n); err != nil {
		return err
	}
	c.left.Store(n)
	ctx := context.Background()
	reg, err := module.BuildRegistry(append(addons(), c.addon()))
	if err != nil {
		return err
	}
	db, err := orm.Open(ctx, url, reg)
	if err != nil {
		return err
	}
	defer db.Close()
	db.Logger = slog.New(slog.DiscardHandler)
	if db.Keys, err = testKeys(); err != nil {
		return err
	}
	handlers := woocommerce.Jobs()
	for name, h := range handlers {
		handlers[name] = func(ctx context.Context, w *jobs.Work) error {
			c.pass("before the job")
			err := h(ctx, w)
			c.pass("after commit")
			return err
		}
	}
	if _, err := jobs.Start(ctx, db, jobs.Config{Handlers: handlers, Workers: 3}); err != nil {
		return err
	}
	web, err := webhookServer(db)
	if err != nil {
		return err
	}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		web.ServeHTTP(rec, r)
		c.pass("webhook before the answer")
		w.WriteHeader(rec.Code)
		_, _ = w.Write(rec.Body.Bytes())
	}))
	fmt.Println(srv.URL)
	_, err = io.Copy(io.Discard, os.Stdin) // until the parent ends
	return err
}

// TestCrashes kills the process at many points of its work and starts it again.
// Nothing may be lost or doubled.
func TestCrashes(t *testing.T) {
	t.Parallel()
	var victimPID, fetches atomic.Int64
	orders := regexp.MustCompile(`/orders(/\d+)?$`)
	e := newERP(t, func(store http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			// The process dies while it waits for the store's answer.
			if pid := victimPID.Load(); pid != 0 && orders.MatchString(r.URL.Path) && fetches.Add(-1) == 0 {
				_ = syscall.Kill(int(pid), syscall.SIGKILL)
			}
			store.ServeHTTP(w, r)
		})
	}, nil)
	e.stop()
	e.receiver(nil) // for the limit of webhooks
	e.poll()
	ids := e.store.OrderIDs("")
	for i, where := range []string{"after the sale order:0", "before commit:1", "before commit:4", "after commit:3", "during the fetch:0", "before the job:2",
		"webhook before commit:1", "webhook before the answer:1", "after the sale order:6", "after commit:9"} {
		if strings.HasPrefix(where, "during the fetch") {
			// The list is asked for again, ahead of the orders it had the first time.
			e.poll()
			if _, err := e.db.ExecContext(t.Context(), "UPDATE river_job SET priority = 1 WHERE args->>'name' = ?", woocommerce.JobPoll); err != nil {
				t.Fatal(err)
			}
		}
		v := e.victim(where)
		if point, n, _ := strings.Cut(where, ":"); point == "during the fetch" {
			fetches.Store(int64(n[0]-'0') + 1)
			victimPID.Store(int64(v.cmd.Process.Pid))
		}
		if strings.HasPrefix(where, "webhook") {
			for _, id := range ids[10*i : 10*i+4] {
				if _, err := deliver(e.store, v.address, "order.updated", id); err != nil {
					t.Error(err)
				}
			}
		}
		v.died(t, where)
		victimPID.Store(0)
	}
	if n := e.count("SELECT count(*) FROM sale_order WHERE woo_number IS NOT NULL"); n == 0 || n >= 122 {
		t.Errorf("%d orders were imported between the crashes; it should be some of them", n)
	}
	e.start(nil)
	e.poll()
	e.idle()
	if r := e.verify(); r.String() != recorded {
		t.Errorf("%s", r)
	}
}

type process struct {
	cmd     *exec.Cmd
	address string // of its webhooks
	errors  strings.Builder
}

// victim starts a process that is going to die.
func (e *erp) victim(where string) *process {
	e.t.Helper()
	p := &process{cmd: exec.Command(os.Args[0])}
	p.cmd.Env = append(os.Environ(), envDatabase+"="+e.address(), envCrash+"="+where)
	p.cmd.Stderr = &p.errors
	stdin, err := p.cmd.StdinPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		e.t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() {
		_ = stdin.Close()
		_ = p.cmd.Process.Kill()
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil && !strings.HasPrefix(where, "webhook") {
		return p // dead already
	}
	p.address = strings.TrimSpace(line)
	return p
}

// died waits for the end of the process, which must be a killed one's.
func (p *process) died(t *testing.T, where string) {
	t.Helper()
	var once sync.Once
	late := time.AfterFunc(30*time.Second, func() {
		once.Do(func() {
			t.Errorf("nothing was killed %s", where)
			_ = p.cmd.Process.Kill()
		})
	})
	defer late.Stop()
	err := p.cmd.Wait()
	status, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	if !ok || !status.Signaled() || status.Signal() != syscall.SIGKILL {
		t.Fatalf("the process ended by itself (%s): %v %s", where, err, p.errors.String())
	}
}

// address is the URL of the test's database.
func (e *erp) address() string {
	e.t.Helper()
	server, _, err := pgtest.Server(context.Background())
	if err != nil {
		e.t.Fatal(err)
	}
	cfg, err := pgx.ParseConfig(server)
	if err != nil {
		e.t.Fatal(err)
	}
	head, query, _ := strings.Cut(server, "?")
	out := strings.TrimSuffix(head, cfg.Database) + e.text("SELECT current_database()")
	if query != "" {
		out += "?" + query
	}
	return out
}
