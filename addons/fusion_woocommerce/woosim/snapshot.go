package woosim

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// Snapshot writes down all that a simulator is, so that Restore can go on with
// it in another process: the shop's objects, the counters of ids, the webhooks
// with their secrets and failures, and the deliveries still waiting. What the
// caller set by Options is not part of it. It holds secrets: keep it private.
func (s *Sim) Snapshot() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.st
	o := object("woosim", version, "origin", st.origin, "zone", st.zone.String())
	for _, t := range st.tables() {
		o.Set(t.name, anyList((*t.table).rows))
	}
	for _, l := range st.lists() {
		o.Set(l.name, anyList(*l.list))
	}
	settings := &Obj{}
	for _, g := range slices.Sorted(maps.Keys(st.settings)) {
		settings.Set(g, anyList(st.settings[g]))
	}
	o.Set("settings", settings)
	notes := []any{}
	for _, n := range st.notes {
		notes = append(notes, object("order_id", n.order, "note", n.obj))
	}
	o.Set("order_notes", notes)
	if st.status != nil {
		o.Set("system_status", st.status)
	}
	o.Set("ids", counts(s.ids))
	o.Set("uploads", counts(s.uploads))
	media := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.media)) {
		media = append(media, s.media[id])
	}
	o.Set("media", media)
	hooks := []any{}
	for _, id := range slices.Sorted(maps.Keys(s.hooks)) {
		h := s.hooks[id]
		hooks = append(hooks, object("id", id, "secret", h.secret, "owner", h.owner, "role", h.role, "failures", h.failures, "ping_due", h.pingDue))
	}
	o.Set("hooks", hooks)
	queue := []any{}
	for _, d := range s.queue {
		queue = append(queue, object("hook", d.hook, "ping", d.ping, "id", d.id, "arg", d.arg))
	}
	o.Set("queue", queue)
	var b bytes.Buffer
	writeValue(&b, o, true)
	return b.Bytes()
}

// Restore makes a simulator of what Snapshot wrote. Options.Zone and BaseURL
// have their defaults from it.
func Restore(snapshot []byte, opt Options) (*Sim, error) {
	v, err := decode(snapshot)
	o, isObj := v.(*Obj)
	if err != nil || !isObj || !o.Has("woosim") {
		return nil, fmt.Errorf("woosim: this is no snapshot of a store: %v", err)
	}
	st := &Store{settings: map[string][]*Obj{}, origin: o.Str("origin"), status: o.Obj("system_status")}
	for _, t := range st.tables() {
		*t.table = newTable(o.objs(t.name))
	}
	for _, l := range st.lists() {
		*l.list = o.objs(l.name)
	}
	settings := o.Obj("settings")
	for _, g := range settings.Keys() {
		st.settings[g] = settings.objs(g)
	}
	for _, n := range o.objs("order_notes") {
		st.notes = append(st.notes, &note{n.Int("order_id"), n.Obj("note")})
	}
	if st.zone, err = zoneOf(o.Str("zone")); err != nil {
		return nil, fmt.Errorf("woosim: %w", err)
	}
	s := New(st, opt)
	s.ids = wholes(o.Obj("ids"))
	s.uploads = wholes(o.Obj("uploads"))
	for _, m := range o.objs("media") {
		s.media[m.Int("id")] = m
	}
	s.hooks = map[int]*hookState{}
	for _, h := range o.objs("hooks") {
		s.hooks[h.Int("id")] = &hookState{secret: h.Str("secret"), owner: h.Int("owner"), role: h.Str("role"), failures: h.Int("failures"), pingDue: h.Bool("ping_due")}
	}
	for _, d := range o.objs("queue") {
		s.queue = append(s.queue, &delivery{hook: d.Int("hook"), ping: d.Bool("ping"), id: d.Int("id"), arg: d.Str("arg")})
	}
	return s, nil
}

type namedTable struct {
	name  string
	table **table
}

// tables are the shop's sets of objects by the names of their files.
func (s *Store) tables() []namedTable {
	return []namedTable{
		{"products", &s.products}, {"variations", &s.variations}, {"orders", &s.orders},
		{"refunds", &s.refunds}, {"customers", &s.customers}, {"coupons", &s.coupons},
		{"categories", &s.categories}, {"tags", &s.tags}, {"shipping_classes", &s.shippingClasses},
		{"taxes", &s.taxes}, {"webhooks", &s.webhooks},
	}
}

type namedList struct {
	name string
	list *[]*Obj
}

// lists are the shop's lists that are not found by id.
func (s *Store) lists() []namedList {
	return []namedList{
		{"tax_classes", &s.taxClasses}, {"attributes", &s.attributes}, {"shipping_zones", &s.zones},
		{"payment_gateways", &s.gateways}, {"currencies", &s.currencies},
	}
}

func counts(m map[string]int) *Obj {
	o := &Obj{}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		o.Set(k, m[k])
	}
	return o
}

func wholes(o *Obj) map[string]int {
	m := map[string]int{}
	if o == nil {
		return m
	}
	for _, k := range o.Keys() {
		m[k], _ = strconv.Atoi(o.Str(k))
	}
	return m
}
