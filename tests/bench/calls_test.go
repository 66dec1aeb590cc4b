package bench

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"fusionsoft.ca/fusion/tests/program"
)

func TestMain(m *testing.M) { program.Main(m) }

//go:embed testdata/odoo18.json
var odooJSON []byte

// odoo is what the recorded Odoo 18 did.
type odoo struct {
	ColdStart float64 `json:"cold_start_seconds"`
	IdlePSS   float64 `json:"idle_pss_mib"`
	Calls     []struct {
		Name      string  `json:"name"`
		Clients   int     `json:"clients"`
		PerSecond float64 `json:"per_second"`
	} `json:"calls"`
}

func yardstick(b *testing.B) (o odoo) {
	b.Helper()
	if err := json.Unmarshal(odooJSON, &o); err != nil {
		b.Fatal(err)
	}
	return o
}

func (o odoo) perSecond(name string, clients int) float64 {
	for _, c := range o.Calls {
		if c.Name == name && c.Clients == clients {
			return c.PerSecond
		}
	}
	return 0
}

const (
	everything = "contacts,sale_management,sale_stock,fusion_woocommerce"
	partners   = 100000
	measured   = 3 * time.Second // of calls
)

// BenchmarkProgram installs all addons, starts the program, and has clients call
// it over JSON-RPC, on 100,000 contacts. Clients, server and database share the
// machine, as they did for Odoo; the clients are written in Go and cost less
// than those in Python with which Odoo was measured.
func BenchmarkProgram(b *testing.B) {
	o := yardstick(b)
	dir := b.TempDir()
	program.Finish(b, "serve", "--data-dir", dir, "-d", "first", "--stop-after-init") // makes the cluster
	b.Run("install", func(b *testing.B) {
		for i := 0; b.Loop(); i++ {
			program.Finish(b, "serve", "--data-dir", dir, "-d", fmt.Sprint("install", i), "-i", everything, "--stop-after-init")
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
		b.ReportMetric(0, "ns/op")
	})
	program.Finish(b, "serve", "--data-dir", dir, "-d", "bench", "-i", everything, "--stop-after-init")
	b.Run("start", func(b *testing.B) {
		for b.Loop() {
			r := program.Start(b, "serve", "--data-dir", dir, "-d", "bench", "--http", "127.0.0.1:0")
			c := connect(b, r.Wait(`serves the database bench at (http://\S+)`)[1])
			c.call(b, "res.users", "search_count", []any{[]any{}}, nil)
			b.StopTimer()
			r.Stop()
			b.StartTimer()
		}
		b.ReportMetric(b.Elapsed().Seconds()/float64(b.N), "s")
		b.ReportMetric(o.ColdStart/(b.Elapsed().Seconds()/float64(b.N)), "x-odoo")
		b.ReportMetric(0, "ns/op")
	})
	r := program.Start(b, "serve", "--data-dir", dir, "-d", "bench", "--http", "127.0.0.1:0")
	base := r.Wait(`serves the database bench at (http://\S+)`)[1]
	b.Run("idle", func(b *testing.B) {
		for b.Loop() {
			time.Sleep(5 * time.Second)
		}
		mib := memory(b, r.PID())
		b.ReportMetric(mib, "MiB")
		b.ReportMetric(o.IdlePSS/mib, "x-odoo")
		b.ReportMetric(0, "ns/op")
	})
	s := fill(b, connect(b, base))
	tidy(b, dir)
	for _, op := range s.operations() {
		for _, clients := range []int{1, 8} {
			b.Run(fmt.Sprintf("%s/%d", strings.ReplaceAll(op.name, " ", "_"), clients), func(b *testing.B) {
				var done int
				var took time.Duration
				for b.Loop() {
					n, t := s.hammer(b, base, clients, op)
					done, took = done+n, took+t
				}
				rate := float64(done) / took.Seconds()
				b.ReportMetric(rate, "calls/s")
				if theirs := o.perSecond(op.name, clients); theirs > 0 {
					b.ReportMetric(rate/theirs, "x-odoo")
				}
				b.ReportMetric(0, "ns/op")
			})
		}
		if strings.HasPrefix(op.name, "create") || strings.HasPrefix(op.name, "write") {
			tidy(b, dir)
		}
	}
	b.Run("after", func(b *testing.B) {
		for b.Loop() {
		}
		b.ReportMetric(memory(b, r.PID()), "MiB")
		b.ReportMetric(0, "ns/op")
	})
	r.Stop()
}

// tidy does at once what the database does by itself within minutes of many
// changes, as was done for Odoo.
func tidy(b *testing.B, dir string) {
	b.Helper()
	// PostgreSQL notes its process, folder, start, port and the folder of its socket.
	pid, err := os.ReadFile(filepath.Join(dir, "postgresql", "pgdata", "postmaster.pid"))
	if err != nil {
		b.Fatal(err)
	}
	lines := strings.Split(string(pid), "\n")
	conn, err := pgx.Connect(b.Context(), fmt.Sprintf("host=%s port=%s user=fusion dbname=bench", lines[4], lines[3]))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	if _, err := conn.Exec(b.Context(), "VACUUM ANALYZE res_partner"); err != nil {
		b.Fatal(err)
	}
}

// memory is the resident memory of a process, in MiB.
func memory(b *testing.B, pid int) float64 {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(rest)[0])
			if err != nil {
				b.Fatal(err)
			}
			return float64(kib) / 1024
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// client is one kept connection.
type client struct {
	http   *http.Client
	base   string
	uid    int
	number int // among those that call at the same time
}

func connect(b *testing.B, base string) *client {
	b.Helper()
	c := &client{http: &http.Client{Transport: &http.Transport{}}, base: base}
	raw, err := c.post("common", "login", []any{"bench", "admin", "admin"})
	if err == nil {
		err = json.Unmarshal(raw, &c.uid)
	}
	if err != nil || c.uid == 0 {
		b.Fatalf("login: %v", err)
	}
	return c
}

func (c *client) post(service, method string, args []any) (json.RawMessage, error) {
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "method": "call", "id": 1, "params": map[string]any{"service": service, "method": method, "args": args}})
	if err != nil {
		return nil, err
	}
	res, err := c.http.Post(c.base+"/jsonrpc", "application/json", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, err
	}
	var answer struct{ Result, Error json.RawMessage }
	if err := json.Unmarshal(raw, &answer); err != nil {
		return nil, err
	}
	if answer.Error != nil {
		return nil, fmt.Errorf("%s: %.500s", method, answer.Error)
	}
	return answer.Result, nil
}

func (c *client) kw(model, method string, args []any, kw map[string]any) (json.RawMessage, error) {
	if kw == nil {
		kw = map[string]any{}
	}
	return c.post("object", "execute_kw", []any{"bench", c.uid, "admin", model, method, args, kw})
}

func (c *client) call(b *testing.B, model, method string, args []any, kw map[string]any) json.RawMessage {
	b.Helper()
	raw, err := c.kw(model, method, args, kw)
	if err != nil {
		b.Fatal(err)
	}
	return raw
}

func (c *client) ids(b *testing.B, model, method string, args []any, kw map[string]any) (ids []int64) {
	b.Helper()
	if err := json.Unmarshal(c.call(b, model, method, args, kw), &ids); err != nil {
		b.Fatal(err)
	}
	return ids
}

// site is the data that operations work on.
type site struct {
	partners, countries []int64
	codes               []string
	products            []int64
}

// own is the domain of the contacts made by fill.
var own = []any{[]any{"ref", "=like", "BENCH-%"}}

// fill makes the contacts, as a client would.
func fill(b *testing.B, c *client) *site {
	b.Helper()
	s := &site{countries: c.ids(b, "res.country", "search", []any{[]any{}}, map[string]any{"order": "code", "limit": 20})}
	var rows []struct{ Code string }
	if err := json.Unmarshal(c.call(b, "res.country", "read", []any{s.countries, []any{"code"}}, nil), &rows); err != nil {
		b.Fatal(err)
	}
	for _, r := range rows {
		s.codes = append(s.codes, r.Code)
	}
	for at := 0; at < partners; at += 2000 {
		var list []any
		for i := at + 1; i <= at+2000; i++ {
			list = append(list, map[string]any{"name": fmt.Sprintf("Bench Partner %06d", i), "ref": fmt.Sprintf("BENCH-%06d", i), "email": fmt.Sprintf("bench%d@bench.example", i),
				"phone": fmt.Sprintf("+1 555 %04d", i%10000), "city": fmt.Sprintf("City %d", i%500), "street": fmt.Sprintf("%d Bench St", i), "zip": fmt.Sprintf("%05d", i%90000),
				"is_company": i%10 == 0, "color": i % 12, "country_id": s.countries[i%20]})
		}
		s.partners = append(s.partners, c.ids(b, "res.partner", "create", []any{list}, map[string]any{"context": map[string]any{"tracking_disable": true}})...)
	}
	for i, kind := range []string{"consu", "consu", "service"} {
		s.products = append(s.products, c.ids(b, "product.product", "create", []any{[]any{map[string]any{"name": fmt.Sprint("Bench Item ", i), "type": kind, "list_price": 10 * (i + 1), "invoice_policy": "order"}}}, nil)...)
	}
	return s
}

// operation is one thing clients do over and over.
type operation struct {
	name string
	do   func(c *client, r *rand.Rand, i int) error // i counts the calls of a client
}

func (s *site) operations() []operation {
	fields := []any{"name", "ref", "email", "phone", "city", "is_company", "color", "country_id"}
	one := func(model, method string, args func(r *rand.Rand, i int) []any, kw map[string]any) func(*client, *rand.Rand, int) error {
		return func(c *client, r *rand.Rand, i int) error {
			_, err := c.kw(model, method, args(r, i), kw)
			return err
		}
	}
	// Clients write on contacts of their own, a thousand each.
	write := func(many bool) func(c *client, r *rand.Rand, _ int) error {
		return func(c *client, r *rand.Rand, _ int) error {
			ids := s.partners[1000*c.number:][:1000]
			if !many {
				ids = ids[r.IntN(1000):][:1]
			}
			_, err := c.kw("res.partner", "write", []any{ids, map[string]any{"color": r.IntN(12), "function": fmt.Sprint("Job ", r.IntN(1000))}}, nil)
			return err
		}
	}
	return []operation{
		{"version (no database)", func(c *client, _ *rand.Rand, _ int) error {
			_, err := c.post("common", "version", []any{})
			return err
		}},
		{"search_read 80x8", func(c *client, r *rand.Rand, _ int) error {
			_, err := c.kw("res.partner", "search_read", []any{[]any{[]any{"is_company", "=", true}}}, map[string]any{"fields": fields, "limit": 80, "offset": 80 * r.IntN(50)})
			return err
		}},
		{"read 1 record", one("res.partner", "read", func(r *rand.Rand, _ int) []any {
			return []any{[]any{s.partners[r.IntN(len(s.partners))]}, fields}
		}, nil)},
		{"create 1 record", one("res.partner", "create", func(r *rand.Rand, i int) []any {
			return []any{map[string]any{"name": fmt.Sprint("Bench New ", i), "email": "new@bench.example", "city": "Newtown", "country_id": s.countries[i%20], "color": 3}}
		}, nil)},
		{"write 1 record", write(false)},
		{"create 1000 in a batch", one("res.partner", "create", func(_ *rand.Rand, _ int) []any {
			list := make([]any, 1000)
			for i := range list {
				list[i] = map[string]any{"name": fmt.Sprint("Bench Batch ", i), "email": fmt.Sprintf("batch%d@bench.example", i), "city": fmt.Sprintf("City %d", i%50), "country_id": s.countries[i%20], "color": i % 12}
			}
			return []any{list}
		}, nil)},
		{"write on 1000 records", write(true)},
		{"search_count dotted 100k", one("res.partner", "search_count", func(r *rand.Rand, _ int) []any {
			return []any{slices.Concat(own, []any{[]any{"country_id.code", "=", s.codes[r.IntN(len(s.codes))]}})}
		}, nil)},
		{"read_group 100k", one("res.partner", "read_group", func(*rand.Rand, int) []any {
			return []any{own, []any{"color:sum"}, []any{"country_id"}}
		}, nil)},
		{"name_search 100k", one("res.partner", "name_search", func(r *rand.Rand, _ int) []any {
			return []any{fmt.Sprintf("partner %04d", r.IntN(10000))}
		}, map[string]any{"limit": 8})},
		{"order flow (3 lines)", s.sell},
	}
}

// sell takes an order of three lines to its posted invoice.
func (s *site) sell(c *client, r *rand.Rand, _ int) error {
	var lines []any
	for i, p := range s.products {
		lines = append(lines, []any{0, 0, map[string]any{"product_id": p, "product_uom_qty": i + 1}})
	}
	var order, wizard int64
	var rows []struct {
		Invoices []int64 `json:"invoice_ids"`
	}
	step := func(result any, model, method string, args []any, kw map[string]any) error {
		raw, err := c.kw(model, method, args, kw)
		if err == nil && result != nil {
			err = json.Unmarshal(raw, result)
		}
		return err
	}
	err := step(&order, "sale.order", "create", []any{map[string]any{"partner_id": s.partners[r.IntN(200)], "order_line": lines}}, nil)
	if err == nil {
		err = step(nil, "sale.order", "action_confirm", []any{[]any{order}}, nil)
	}
	on := map[string]any{"context": map[string]any{"active_model": "sale.order", "active_ids": []any{order}, "active_id": order}}
	if err == nil {
		err = step(&wizard, "sale.advance.payment.inv", "create", []any{map[string]any{"advance_payment_method": "delivered"}}, on)
	}
	if err == nil {
		err = step(nil, "sale.advance.payment.inv", "create_invoices", []any{[]any{wizard}}, on)
	}
	if err == nil {
		err = step(&rows, "sale.order", "read", []any{[]any{order}, []any{"invoice_ids"}}, nil)
	}
	if err == nil {
		err = step(nil, "account.move", "action_post", []any{rows[0].Invoices}, nil)
	}
	return err
}

// hammer has clients repeat an operation for some seconds. It counts what they
// finished; any error ends the benchmark.
func (s *site) hammer(b *testing.B, base string, clients int, op operation) (int, time.Duration) {
	b.Helper()
	cs := make([]*client, clients)
	for i := range cs {
		cs[i] = connect(b, base)
		cs[i].number = i
		if err := op.do(cs[i], rand.New(rand.NewPCG(1, uint64(i))), -1+20*clients); err != nil {
			b.Fatal(err)
		}
	}
	counts, errs := make([]int, clients), make([]error, clients)
	begin := time.Now()
	var wg sync.WaitGroup
	for k, c := range cs {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(k)))
			for i := 0; time.Since(begin) < measured || i == 0; i++ {
				if errs[k] = op.do(c, r, i); errs[k] != nil {
					return
				}
				counts[k]++
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	total := 0
	for k := range cs {
		if errs[k] != nil {
			b.Fatal(errs[k])
		}
		total += counts[k]
		cs[k].http.CloseIdleConnections()
	}
	return total, took
}
