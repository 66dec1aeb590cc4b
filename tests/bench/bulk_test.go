package bench

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
)

const bulk = 100000

// parcel has fields of the usual kinds.
type parcel struct {
	orm.Record `orm:"bench.parcel" label:"Parcel" order:"id"`
	Name       string               `orm:"name" label:"Name"`
	Ref        string               `orm:"ref" label:"Reference"`
	City       string               `orm:"city" label:"City"`
	Weight     decimal.Decimal      `orm:"weight,digits=3" label:"Weight"`
	Pieces     int                  `orm:"pieces" label:"Pieces"`
	Urgent     bool                 `orm:"urgent" label:"Urgent"`
	Due        orm.Date             `orm:"due" label:"Due"`
	DepotID    orm.Ref[parcelDepot] `orm:"depot_id" label:"Depot"`
}

type parcelDepot struct {
	orm.Record `orm:"bench.depot" label:"Depot"`
	Name       string `orm:"name" label:"Name"`
}

func parcels() module.Addon {
	return module.Addon{Name: "bench", Version: "19.0.1.0.0", Depends: []string{"base"}, Define: func(r *orm.Registry) {
		orm.Define[parcelDepot](r)
		orm.Define[parcel](r)
	}}
}

// parcelRow is what the hand-written code reads into and writes from.
type parcelRow struct {
	ID              int64
	Name, Ref, City string
	Weight          decimal.Decimal
	Pieces          int
	Urgent          bool
	Due             time.Time
	Depot           int64
}

// BenchmarkBulk creates and reads 100,000 records through the record layer and
// by hand, and reports how much longer the record layer takes.
func BenchmarkBulk(b *testing.B) {
	db := ormtest.DB(b, base.Addon(), parcels())
	db.Verify = false // it is for tests, and reads everything a second time
	ctx := b.Context()
	var depot int64
	run := func(fn func(env *orm.Env) error) time.Duration {
		begin := time.Now()
		if err := db.Run(ctx, orm.System(), fn); err != nil {
			b.Fatal(err)
		}
		return time.Since(begin)
	}
	run(func(env *orm.Env) error {
		d, err := env.Model("bench.depot").Create(orm.Values{"name": "North"})
		depot = d.ID()
		return err
	})
	due := orm.DateOf(time.Date(2026, 5, 1, 0, 0, 0, 0, time.UTC))
	records := make([]*parcel, bulk)
	values := make([]orm.Values, bulk)
	rows := make([]parcelRow, bulk)
	for i := range rows {
		r := parcelRow{0, fmt.Sprintf("Parcel %06d", i), fmt.Sprintf("P-%06d", i), fmt.Sprintf("City %d", i%500), decimal.New(int64(i%9000), -3), i % 7, i%10 == 0, due.Time(), depot}
		rows[i] = r
		values[i] = orm.Values{"name": r.Name, "ref": r.Ref, "city": r.City, "weight": r.Weight, "pieces": r.Pieces, "urgent": r.Urgent, "due": due, "depot_id": depot}
	}
	empty := func() { exec(b, db, "TRUNCATE bench_parcel; CHECKPOINT") }

	b.Run("create", func(b *testing.B) {
		var ours, theirs time.Duration
		for b.Loop() {
			empty()
			theirs += handCreate(b, ctx, db, rows)
			empty()
			ours += run(func(env *orm.Env) error {
				_, err := env.Model("bench.parcel").Create(values...)
				return err
			})
		}
		report(b, ours, theirs)
	})
	exec(b, db, "ANALYZE bench_parcel")
	ids, err := idsOf(ctx, db)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("read", func(b *testing.B) {
		var ours, theirs time.Duration
		for b.Loop() {
			theirs += handRead(b, ctx, db, ids)
			ours += run(func(env *orm.Env) (err error) {
				records, err = orm.Read[parcel](env, ids)
				return err
			})
			if len(records) != bulk || records[bulk-1].Ref != fmt.Sprintf("P-%06d", bulk-1) {
				b.Fatal("wrong records")
			}
		}
		report(b, ours, theirs)
	})
}

func report(b *testing.B, ours, theirs time.Duration) {
	n := float64(b.N)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(ours.Seconds()*1000/n, "orm-ms")
	b.ReportMetric(theirs.Seconds()*1000/n, "pgx-ms")
	b.ReportMetric(ours.Seconds()/theirs.Seconds(), "x-pgx")
}

func exec(b *testing.B, db *orm.DB, sql string) {
	b.Helper()
	if _, err := db.ExecContext(b.Context(), sql); err != nil {
		b.Fatal(err)
	}
}

// byHand runs fn in a transaction on a connection of the same pool.
func byHand(b *testing.B, ctx context.Context, db *orm.DB, fn func(*pgx.Conn) error) time.Duration {
	b.Helper()
	begin := time.Now()
	conn, err := db.DB.DB.Conn(ctx)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close()
	err = conn.Raw(func(c any) error {
		pg := c.(*stdlib.Conn).Conn()
		return pgx.BeginFunc(ctx, pg, func(pgx.Tx) error { return fn(pg) })
	})
	if err != nil {
		b.Fatal(err)
	}
	return time.Since(begin)
}

// handCreate stores the rows by COPY, the fastest way there is, with ids taken
// from the sequence and the columns that say who stored them and when.
func handCreate(b *testing.B, ctx context.Context, db *orm.DB, rows []parcelRow) time.Duration {
	return byHand(b, ctx, db, func(pg *pgx.Conn) error {
		found, err := pg.Query(ctx, "SELECT nextval('bench_parcel_id_seq') FROM generate_series(1, $1::int)", len(rows))
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(found, pgx.RowTo[int64])
		if err != nil {
			return err
		}
		now := time.Now().UTC()
		columns := []string{"id", "create_uid", "create_date", "write_uid", "write_date", "name", "ref", "city", "weight", "pieces", "urgent", "due", "depot_id"}
		_, err = pg.CopyFrom(ctx, pgx.Identifier{"bench_parcel"}, columns, pgx.CopyFromSlice(len(rows), func(i int) ([]any, error) {
			r := &rows[i]
			return []any{ids[i], int64(1), now, int64(1), now, r.Name, r.Ref, r.City, r.Weight.String(), r.Pieces, r.Urgent, r.Due, r.Depot}, nil
		}))
		return err
	})
}

func handRead(b *testing.B, ctx context.Context, db *orm.DB, ids []int64) time.Duration {
	return byHand(b, ctx, db, func(pg *pgx.Conn) error {
		rows, err := pg.Query(ctx, "SELECT id, name, ref, city, weight::text, pieces, urgent, due, depot_id FROM bench_parcel WHERE id = ANY($1)", ids)
		if err != nil {
			return err
		}
		out := make([]parcelRow, 0, len(ids))
		for rows.Next() {
			var r parcelRow
			var weight string
			if err := rows.Scan(&r.ID, &r.Name, &r.Ref, &r.City, &weight, &r.Pieces, &r.Urgent, &r.Due, &r.Depot); err != nil {
				return err
			}
			if r.Weight, err = decimal.NewFromString(weight); err != nil {
				return err
			}
			out = append(out, r)
		}
		if len(out) != len(ids) {
			return fmt.Errorf("%d rows", len(out))
		}
		return rows.Err()
	})
}

func idsOf(ctx context.Context, db *orm.DB) (ids []int64, err error) {
	err = db.View(ctx, orm.System(), func(env *orm.Env) error {
		found, err := env.Model("bench.parcel").Search(nil, orm.SearchOptions{})
		ids = found.IDs
		return err
	})
	return ids, err
}
