package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"time"

	"fusionsoft.ca/fusion/addons/base"
	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/framework/cli"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/outbound"
)

// demoCmd starts a complete shop. Its flags are a promise to scripts.
type demoCmd struct {
	DataDir string        `name:"data-dir" env:"FUSION_DATA_DIR" default:"data" placeholder:"DIR" help:"Folder of the private PostgreSQL, of the store's state, of files and of the secret key."`
	HTTP    string        `name:"http" default:"127.0.0.1:8069" placeholder:"ADDRESS" help:"Address of the back office."`
	Store   string        `name:"store" placeholder:"DIR" help:"Folder with a recorded store (products.json, orders.json, …); by default the one in the program."`
	Once    bool          `name:"once" help:"Import everything, print what was done, and stop."`
	Every   time.Duration `name:"every" default:"25s" hidden:"" help:"How often the store sells something."`
}

// demo is a demonstration being started and kept alive.
type demo struct {
	cmd      *demoCmd
	out      io.Writer
	log      *slog.Logger
	sys      *cli.System
	shop     *shop
	instance int64
	created  bool // the instance is new
}

// database is the name of the demonstration's database in its cluster.
const database = "demo"

// The parameters that make a second start go on with what the first one did.
const (
	paramCompany  = "fusion.demo.company"
	paramInstance = "fusion.demo.instance"
	paramStock    = "fusion.demo.stock"
)

// Run opens the store and the database, connects one to the other, imports, and
// then lets the store live until ctx ends.
func (c *demoCmd) Run(ctx context.Context, app cli.App, g *cli.Globals, out io.Writer) (err error) {
	began := time.Now()
	if c.Every <= 0 {
		return errors.New("--every must be longer than nothing")
	}
	d := &demo{cmd: c, out: out, log: g.Logger(slog.LevelWarn)}
	if d.shop, err = openShop(c.DataDir, c.Store, d.log); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.shop.close()) }()
	set := cli.Settings{DataDir: c.DataDir, Database: database, HTTP: c.HTTP, Workers: 4, Jobs: true, Logger: d.log}
	if c.Once {
		set.HTTP = ""
	}
	// base comes alone, so that the company is what it shall be before other
	// addons make its chart of accounts, its warehouse and its pricelist.
	d.say("opening the database")
	d.sys, err = cli.Open(ctx, app, set, []string{"base"})
	if err == nil {
		defer func() { err = errors.Join(err, d.sys.Close()) }()
		err = d.start(ctx, app, began)
	}
	if err != nil && ctx.Err() != nil {
		return errors.New("stopped before everything was there; start again to go on")
	}
	return err
}

func (d *demo) start(ctx context.Context, app cli.App, began time.Time) error {
	if err := d.sys.DB.Run(ctx, orm.System(), d.company); err != nil {
		return fmt.Errorf("setting up the company: %w", err)
	}
	d.say("installing addons")
	var all []string
	for _, a := range app.Addons {
		all = append(all, a.Name)
	}
	if err := d.sys.Install(ctx, all...); err != nil {
		return err
	}
	d.say("connecting the store")
	if err := d.sys.DB.Run(ctx, orm.System(), d.connect); err != nil {
		return fmt.Errorf("connecting the store: %w", err)
	}
	if err := d.call(ctx, woocommerce.TestConnection); err != nil {
		return fmt.Errorf("connecting the store: %w", err)
	}
	if err := d.sys.Start(ctx); err != nil {
		return err
	}
	d.say("fetching products")
	if err := d.press(ctx, woocommerce.FetchProducts); err != nil {
		return err
	}
	if err := d.sys.DB.Run(ctx, orm.System(), d.stock); err != nil {
		return fmt.Errorf("counting the stock: %w", err)
	}
	d.say("importing orders")
	if err := d.call(ctx, woocommerce.Doctor); err != nil {
		return fmt.Errorf("examining the store: %w", err)
	}
	if err := d.press(ctx, woocommerce.GoLive); err != nil {
		return err
	}
	sum, err := d.summarise(ctx)
	if err != nil {
		return err
	}
	took := time.Since(began)
	if d.cmd.Once {
		sum.write(d.out, d, took)
		return nil
	}
	if err := d.call(ctx, woocommerce.RegisterWebhooks); err != nil {
		return fmt.Errorf("registering webhooks: %w", err)
	}
	sum.write(d.out, d, took)
	// Not before: a cron would import orders while their products are fetched.
	d.sys.StartCrons()
	return d.live(ctx)
}

// say tells what is being done. It goes to standard error's logger only when
// somebody asked for it, so that the output is the summary.
func (d *demo) say(what string) { d.log.Info("demo: " + what) }

// connect makes the instance of the store, or lets the one of an earlier start
// follow the store to its new address.
func (d *demo) connect(env *orm.Env) error {
	if d.sys.Address != "" {
		if err := base.SetParam(env, "web.base.url", d.sys.Address); err != nil {
			return err
		}
	}
	// The store is on this machine.
	if err := base.SetParam(env, outbound.Parameter, d.shop.about.Address); err != nil {
		return err
	}
	about := d.shop.about
	known, _, err := base.GetParam(env, paramInstance)
	if err != nil {
		return err
	}
	d.instance, _ = strconv.ParseInt(known, 10, 64)
	old, err := orm.First[woocommerce.Instance](env, orm.Leaf("id", "=", d.instance), "id")
	if err != nil {
		return err
	}
	if old != nil {
		if old.ConsumerKey.Reveal() != about.Key {
			return errors.New("the database belongs to another store than the one in the data directory; start with a fresh --data-dir")
		}
		if old.URL == d.shop.URL {
			return nil
		}
		return orm.RecordsOf(env, old).Write(orm.Values{"url": d.shop.URL, "consumer_key": about.Key, "consumer_secret": about.Secret, "webhook_secret": old.WebhookSecret})
	}
	company, err := env.Ref("base.main_company")
	if err != nil {
		return err
	}
	made, err := env.WithCompany(company.ID()).Model("woo.instance").Create(orm.Values{"name": about.Name, "url": d.shop.URL, "consumer_key": about.Key, "consumer_secret": about.Secret,
		"company_id": company.ID(), "missing_product": "create", "request_rate": 500.0}) // it is on this machine
	if err != nil {
		return err
	}
	d.instance, d.created = made.ID(), true
	return base.SetParam(env, paramInstance, fmt.Sprint(d.instance))
}

// call presses a button of the instance that asks the store.
func (d *demo) call(ctx context.Context, button orm.Method[woocommerce.Instance]) error {
	answer, err := d.sys.DB.Call(ctx, orm.System(), func(env *orm.Env) (any, error) {
		inst, err := orm.Get[woocommerce.Instance](env, d.instance)
		if err != nil {
			return nil, err
		}
		return orm.Invoke(env, button, []*woocommerce.Instance{inst})
	})
	if err != nil {
		return err
	}
	note, _ := answer.(map[string]any)
	// A warning is something to think about; the demonstration goes on.
	if params, _ := note["params"].(map[string]any); params["type"] == "danger" {
		return fmt.Errorf("%v", params["message"])
	}
	return nil
}

// press presses a button of the instance that queues jobs, and waits for them.
func (d *demo) press(ctx context.Context, button orm.Method[woocommerce.Instance]) error {
	err := d.sys.DB.Run(ctx, orm.System(), func(env *orm.Env) error {
		inst, err := orm.Get[woocommerce.Instance](env, d.instance)
		if err != nil {
			return err
		}
		_, err = orm.Invoke(env, button, []*woocommerce.Instance{inst})
		return err
	})
	if err != nil {
		return err
	}
	return d.drain(ctx)
}

// patience is how long jobs that failed may take to succeed after all.
const patience = 45 * time.Second

// drain waits until no job of the store is left to be worked. Those that failed
// are given some time to be tried again; the summary tells of the rest.
func (d *demo) drain(ctx context.Context) error {
	end := time.Now().Add(patience)
	for {
		var waiting, failed int
		err := d.sys.DB.QueryRowContext(ctx, `SELECT count(*) FILTER (WHERE state <> 'retryable'), count(*) FILTER (WHERE state = 'retryable')
			FROM river_job WHERE args->>'name' LIKE 'woo.%' AND (state IN ('available', 'pending', 'running', 'retryable')
				OR state = 'scheduled' AND scheduled_at < now() + interval '1 minute')`).Scan(&waiting, &failed)
		if err != nil {
			return err
		}
		if waiting == 0 && (failed == 0 || time.Now().After(end)) {
			return nil
		}
		if waiting > 0 {
			end = time.Now().Add(patience)
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// live lets the store sell something now and then until ctx ends.
func (d *demo) live(ctx context.Context) error {
	ended := make(chan error, 1)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		err := d.sys.Wait(ctx)
		stop()
		ended <- err
	}()
	sale := time.NewTicker(d.cmd.Every)
	defer sale.Stop()
	news := time.NewTicker(time.Second)
	defer news.Stop()
	for selling := true; ctx.Err() == nil; {
		select {
		case <-ctx.Done():
		case <-news.C:
			d.shop.tell(ctx, d.log)
		case <-sale.C:
			if !selling {
				continue
			}
			id, err := d.shop.sell()
			if err != nil {
				d.log.Warn("the store sells nothing more", "error", err.Error())
				selling = false
				continue
			}
			d.shop.tell(ctx, d.log)
			d.report(ctx, id)
		}
	}
	stop()
	return <-ended
}
