package jobs

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"

	"github.com/uptrace/bun"

	"fusionsoft.ca/fusion/framework/orm"
)

// presence is a connection that holds a lock named after a runner for as long
// as the runner's process lives. It lets others tell the jobs it is working from
// those of a process that was killed, which would otherwise stay “running” until
// their time is up.
type presence struct {
	id   string
	db   *orm.DB
	conn bun.Conn
	stop chan struct{} // closed to end watch
	done chan struct{} // closed when it has ended
}

// watchEvery is how often a runner looks for the jobs of others that are gone.
// PostgreSQL may notice only after a while that a killed process is.
const watchEvery = 5 * time.Second

const presenceKey = "hashtextextended('fusion.jobs:' || ?::text, 0)"

// appear takes the lock of a new runner.
func appear(ctx context.Context, db *orm.DB) (*presence, error) {
	host, _ := os.Hostname() // for people who look at the table; "" does no harm
	p := &presence{id: host + "_" + rand.Text(), db: db, stop: make(chan struct{})}
	return p, p.connect(ctx)
}

func (p *presence) connect(ctx context.Context) error {
	conn, err := p.db.DB.Conn(ctx)
	if err != nil {
		return fmt.Errorf("no database connection: %w", err)
	}
	if _, err := conn.ExecContext(ctx, "SELECT pg_advisory_lock("+presenceKey+")", p.id); err != nil {
		_ = conn.Close()
		return fmt.Errorf("the job runner cannot make itself known: %w", err)
	}
	p.conn = conn
	return nil
}

// watch takes jobs over again and again until leave. When the connection is
// lost the lock is, too: then a new one says first that this runner lives.
func (p *presence) watch() {
	p.done = make(chan struct{})
	go func() {
		defer close(p.done)
		t := time.NewTicker(watchEvery)
		defer t.Stop()
		for {
			select {
			case <-p.stop:
				return
			case <-t.C:
			}
			ctx, cancel := context.WithTimeout(context.Background(), watchEvery)
			n, err := p.takeOver(ctx)
			if err != nil {
				p.db.Logger.Warn("the job runner lost its connection", "error", err.Error())
				_ = p.conn.Close()
				if err := p.connect(ctx); err != nil {
					p.db.Logger.Warn("the job runner cannot connect again yet", "error", err.Error())
				}
			} else if n > 0 {
				p.db.Logger.Info("took over jobs of a process that is gone", "jobs", n)
			}
			cancel()
		}
	}()
}

// leave gives the lock back with the connection, which is not used again.
func (p *presence) leave() {
	close(p.stop)
	if p.done != nil {
		<-p.done
	}
	_, _ = p.conn.ExecContext(context.Background(), "SELECT pg_advisory_unlock_all()") // a broken connection holds none
	_ = p.conn.Close()
}

// takeOver makes the jobs of runners that are gone available again, or gives
// them up when that was their last attempt. It returns their number.
func (p *presence) takeOver(ctx context.Context) (int64, error) {
	var ids []string
	err := p.conn.NewRaw("SELECT DISTINCT attempted_by[array_upper(attempted_by, 1)] FROM river_job WHERE state = 'running' AND attempted_by <> '{}' AND attempted_by[array_upper(attempted_by, 1)] <> ?", p.id).Scan(ctx, &ids)
	if err != nil {
		return 0, err
	}
	var taken int64
	for _, id := range ids {
		n, err := p.takeFrom(ctx, id)
		if err != nil {
			return taken, err
		}
		taken += n
	}
	return taken, nil
}

func (p *presence) takeFrom(ctx context.Context, id string) (int64, error) {
	var gone bool
	if err := p.conn.NewRaw("SELECT pg_try_advisory_lock("+presenceKey+")", id).Scan(ctx, &gone); err != nil || !gone {
		return 0, err
	}
	defer p.conn.ExecContext(context.WithoutCancel(ctx), "SELECT pg_advisory_unlock("+presenceKey+")", id)
	res, err := p.conn.ExecContext(ctx, `UPDATE river_job SET
			state = CASE WHEN attempt < max_attempts THEN 'available' ELSE 'discarded' END::river_job_state,
			finalized_at = CASE WHEN attempt < max_attempts THEN NULL ELSE now() END,
			scheduled_at = CASE WHEN attempt < max_attempts THEN now() ELSE scheduled_at END,
			errors = array_append(errors, jsonb_build_object('at', now(), 'attempt', attempt, 'error', 'the program ended while it worked this job', 'trace', ''))
		WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = ?`, id)
	if err != nil {
		return 0, err
	}
	return res.RowsAffected()
}
