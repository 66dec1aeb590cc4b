package woosim

import (
	"bytes"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"strings"
	"time"
)

//go:embed store
var storeFS embed.FS

// DefaultStore is the recorded shop: an invented home health-care shop in
// eastern Ontario. Give it to Load.
var DefaultStore fs.FS = mustSub(storeFS, "store")

func mustSub(f fs.FS, dir string) fs.FS {
	sub, err := fs.Sub(f, dir)
	if err != nil {
		return f
	}
	return sub
}

// Store is the content of one shop as its API shows it. A Store given to New
// is copied, so one Store may feed many simulators.
type Store struct {
	origin string // scheme and host in the stored links
	zone   *time.Location

	products, variations, orders, refunds, customers, coupons *table
	categories, tags, shippingClasses, taxes, webhooks        *table
	taxClasses                                                []*Obj
	notes                                                     []*note
	attributes, zones                                         []*Obj // {attribute,terms}, {zone,locations,methods}
	settings                                                  map[string][]*Obj
	gateways, currencies                                      []*Obj
	status                                                    *Obj
	reviews                                                   []*Obj
}

type note struct {
	order int
	obj   *Obj
}

// table is a set of objects by id, in the order they were read.
type table struct {
	rows []*Obj
	byID map[int]*Obj
}

func newTable(rows []*Obj) *table {
	t := &table{byID: map[int]*Obj{}}
	for _, r := range rows {
		t.add(r)
	}
	return t
}

func (t *table) add(o *Obj) { t.rows = append(t.rows, o); t.byID[o.Int("id")] = o }
func (t *table) get(id int) *Obj {
	return t.byID[id]
}
func (t *table) remove(id int) {
	delete(t.byID, id)
	for i, r := range t.rows {
		if r.Int("id") == id {
			t.rows = append(t.rows[:i:i], t.rows[i+1:]...)
			return
		}
	}
}
func (t *table) maxID() int {
	m := 0
	for id := range t.byID {
		m = max(m, id)
	}
	return m
}
func (t *table) clone() *table {
	c := newTable(nil)
	for _, r := range t.rows {
		c.add(r.clone())
	}
	return c
}

// Load reads a shop from a folder: products.json, variations.json, orders.json
// and so on, each a list of objects as the REST API returns them. Missing files
// are empty; a file that is not what its name says is an error.
func Load(fsys fs.FS) (*Store, error) {
	s := &Store{settings: map[string][]*Obj{}}
	list := func(name string) ([]*Obj, error) {
		v, err := readJSON(fsys, name)
		if err != nil || v == nil {
			return nil, err
		}
		l, ok := v.([]any)
		if !ok {
			return nil, fmt.Errorf("woosim: %s: want a list of objects", name)
		}
		var out []*Obj
		for i, e := range l {
			o, ok := e.(*Obj)
			if !ok {
				return nil, fmt.Errorf("woosim: %s: entry %d is not an object", name, i)
			}
			out = append(out, o)
		}
		return out, nil
	}
	for _, t := range s.tables() {
		rows, err := list(t.name + ".json")
		if err != nil {
			return nil, err
		}
		for i, o := range rows {
			if o.Int("id") <= 0 {
				return nil, fmt.Errorf("woosim: %s.json: entry %d has no id", t.name, i)
			}
		}
		*t.table = newTable(rows)
	}
	for _, l := range s.lists() {
		rows, err := list(l.name + ".json")
		if err != nil {
			return nil, err
		}
		*l.list = rows
	}
	for _, g := range []string{"general", "tax", "products"} {
		rows, err := list("settings_" + g + ".json")
		if err != nil {
			return nil, err
		}
		s.settings[g] = rows
	}
	notes, err := list("order_notes.json")
	if err != nil {
		return nil, err
	}
	for _, n := range notes {
		if o := n.Obj("note"); o != nil {
			s.notes = append(s.notes, &note{n.Int("order_id"), o})
		}
	}
	v, err := readJSON(fsys, "system_status.json")
	if err != nil {
		return nil, err
	}
	s.origin = s.findOrigin()
	if s.status, _ = v.(*Obj); s.status == nil {
		if v != nil {
			return nil, errors.New("woosim: system_status.json: want an object")
		}
		s.status = s.plainStatus()
	}
	s.zone = s.findZone()
	return s, nil
}

func readJSON(fsys fs.FS, name string) (any, error) {
	data, err := fs.ReadFile(fsys, name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("woosim: %w", err)
	}
	v, err := decode(data)
	if err != nil {
		return nil, fmt.Errorf("woosim: %s: %w%s", name, err, lineOf(data, err))
	}
	return v, nil
}

// lineOf says on which line a syntax error is.
func lineOf(data []byte, err error) string {
	var se *json.SyntaxError
	if !errors.As(err, &se) {
		return ""
	}
	return fmt.Sprintf(" (line %d)", 1+bytes.Count(data[:min(int(se.Offset), len(data))], []byte("\n")))
}

// plainStatus is the system status of a shop that was recorded without it.
func (s *Store) plainStatus() *Obj {
	return object("environment", object("home_url", s.origin, "site_url", s.origin, "version", version, "wp_version", "6.5.5"),
		"settings", object("currency", s.setting("general", "woocommerce_currency"), "HPOS_enabled", true))
}

// findOrigin reads the shop's address off the first self link found.
func (s *Store) findOrigin() string {
	for _, t := range []*table{s.products, s.orders, s.customers, s.taxes, s.coupons} {
		for _, r := range t.rows {
			for _, l := range r.Obj("_links").objs("self") {
				if u, err := url.Parse(l.Str("href")); err == nil && u.Host != "" {
					return u.Scheme + "://" + u.Host
				}
			}
		}
	}
	return "https://shop.example"
}

// findZone works the site's time zone out of where its pairs of local and UTC
// times agree; a shop that gives no hint is taken to be on UTC.
func (s *Store) findZone() *time.Location {
	names := []string{"America/Toronto", "UTC", "Europe/London", "Europe/Paris", "America/Vancouver", "America/Halifax", "America/Winnipeg", "America/Edmonton", "America/New_York", "America/Los_Angeles", "Asia/Tokyo", "Asia/Kolkata", "Australia/Sydney", "Pacific/Auckland"}
	best, bestScore := time.UTC, 0
	for _, n := range names {
		loc, err := time.LoadLocation(n)
		if err != nil {
			continue
		}
		score := 0
		for _, t := range []*table{s.orders, s.products} {
			for _, r := range t.rows {
				g, err := time.Parse(wpTime, r.Str("date_created_gmt"))
				if err == nil && g.In(loc).Format(wpTime) == r.Str("date_created") {
					score++
				}
			}
		}
		if score > bestScore {
			best, bestScore = loc, score
		}
	}
	return best
}

func (s *Store) clone() *Store {
	c := *s
	for _, t := range c.tables() {
		*t.table = (*t.table).clone()
	}
	for _, l := range c.lists() {
		*l.list = cloneList(*l.list)
	}
	c.settings = map[string][]*Obj{}
	for g, l := range s.settings {
		c.settings[g] = cloneList(l)
	}
	c.notes = nil
	for _, n := range s.notes {
		c.notes = append(c.notes, &note{n.order, n.obj.clone()})
	}
	c.status = s.status.clone()
	return &c
}

func cloneList(in []*Obj) []*Obj {
	var out []*Obj
	for _, o := range in {
		out = append(out, o.clone())
	}
	return out
}

func (s *Store) setting(group, id string) string {
	for _, o := range s.settings[group] {
		if o.Str("id") == id {
			return o.Str("value")
		}
	}
	return ""
}

func (s *Store) attribute(id int) *Obj {
	for _, a := range s.attributes {
		if a.Obj("attribute").Int("id") == id {
			return a
		}
	}
	return nil
}

func (s *Store) orderNotes(order int) []*Obj {
	var out []*Obj
	for _, n := range s.notes {
		if n.order == order {
			out = append(out, n.obj)
		}
	}
	return out
}

// orderStatuses lists the shop's statuses: WooCommerce's own, those an
// extension uses on an order, and the block checkout's.
func (s *Store) orderStatuses() []string {
	out := []string{"pending", "processing", "on-hold", "completed", "cancelled", "refunded", "failed"}
	known := strings.Join(out, " ") + " checkout-draft trash auto-draft"
	for _, o := range s.orders.rows {
		if st := o.Str("status"); st != "" && !strings.Contains(known, st) {
			known += " " + st
			out = append(out, st)
		}
	}
	return append(out, "checkout-draft")
}

// Setting is a setting of the shop by its group (general, tax, products) and
// id, "" when the shop has none such.
func (s *Store) Setting(group, id string) string { return s.setting(group, id) }

// HPOS tells whether the shop was recorded with high-performance order storage,
// which is what a new shop has.
func (s *Store) HPOS() bool {
	settings := s.status.Obj("settings")
	return !settings.Has("HPOS_enabled") || settings.Bool("HPOS_enabled")
}

// Zone is the shop's time zone, as far as its times tell.
func (s *Store) Zone() *time.Location { return s.zone }

// zoneOf finds a time zone by the name it gives itself.
func zoneOf(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, fmt.Errorf("time zone of the shop: %w", err)
	}
	return loc, nil
}
