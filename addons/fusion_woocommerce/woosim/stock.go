package woosim

import (
	"fmt"
	"strings"
)

// stockHolder is the product whose quantity a line moves: a variation that does
// not manage stock leaves it to its parent.
func (s *Sim) stockHolder(l *Obj) *Obj {
	if v := s.st.variations.get(l.Int("variation_id")); v != nil {
		if v.Get("manage_stock") == true {
			return v
		}
		if p := s.st.products.get(v.Int("parent_id")); p != nil && p.Bool("manage_stock") {
			return p
		}
		return nil
	}
	if p := s.st.products.get(l.Int("product_id")); p != nil && p.Bool("manage_stock") {
		return p
	}
	return nil
}

func reducedBy(l *Obj) (*Obj, int) {
	for _, m := range l.objs("meta_data") {
		if m.Str("key") == "_reduced_stock" {
			return m, m.Int("value")
		}
	}
	return nil, 0
}

// moveStock changes a quantity and what follows from it, and tells the webhooks.
func (s *Sim) moveStock(p *Obj, by int) (from, to int) {
	from = p.Int("stock_quantity")
	to = from + by
	p.Set("stock_quantity", to)
	s.stamp(p, "date_modified", s.now())
	s.settleStock(p)
	if p.Str("type") == "variation" {
		if parent := s.st.products.get(p.Int("parent_id")); parent != nil {
			s.stamp(parent, "date_modified", s.now())
			s.settleVariable(parent)
		}
	}
	s.queueEvent("product.updated", p.Int("id"))
	return from, to
}

func (s *Sim) stockName(l, p *Obj) string {
	name := p.Str("name")
	if p.Str("type") == "variation" {
		name = l.Str("name")
	}
	tail := ""
	if p.Str("type") == "variation" {
		tail = `<span class="description"></span>`
	}
	if sku := s.ownSKU(p); sku != "" {
		return name + " (" + sku + ")" + tail
	}
	return name + " (#" + p.Str("id") + ")" + tail
}

// takeStock lowers stock once per line when an order becomes one that is paid
// or awaited.
func (s *Sim) takeStock(o *Obj) {
	if s.st.setting("products", "woocommerce_manage_stock") == "no" {
		return
	}
	if stockTaken(o) {
		return
	}
	o.Set(hidden+"stock", true)
	var changes []string
	for _, l := range o.objs("line_items") {
		p := s.stockHolder(l)
		if p == nil {
			continue
		}
		qty := l.Int("quantity")
		from, to := s.moveStock(p, -qty)
		s.setReduced(l, qty)
		if v := s.lineProduct(l); v != nil && v != p {
			changes = append(changes, fmt.Sprintf("%s %d&rarr;%d", s.stockName(l, v), from, to))
			continue
		}
		changes = append(changes, fmt.Sprintf("%s %d&rarr;%d", s.stockName(l, p), from, to))
	}
	if changes != nil {
		s.addNote(o.Int("id"), "Stock levels reduced: "+strings.Join(changes, ", "), false, "WooCommerce")
	}
}

// stockTaken tells whether the order's goods have left the shelf: it is done
// once for an order, lines added later do not follow.
func stockTaken(o *Obj) bool {
	if v, known := o.Get(hidden + "stock").(bool); known {
		return v
	}
	for _, l := range o.objs("line_items") {
		if m, _ := reducedBy(l); m != nil {
			return true
		}
	}
	return false
}

func (s *Sim) setReduced(l *Obj, qty int) {
	m := object("key", "_reduced_stock", "value", itoa(qty))
	s.applyMeta(l, []*Obj{m}, "itemmeta", displayMeta)
}

// returnStock gives back what the order's lines took.
func (s *Sim) returnStock(o *Obj) {
	o.Set(hidden+"stock", false)
	var changes []string
	for _, l := range o.objs("line_items") {
		m, qty := reducedBy(l)
		p := s.stockHolder(l)
		if m == nil || p == nil {
			continue
		}
		from, to := s.moveStock(p, qty)
		l.Set("meta_data", anyList(keep(l.objs("meta_data"), func(x *Obj) bool { return x != m })))
		changes = append(changes, fmt.Sprintf("%s %d&rarr;%d", s.stockName(l, p), from, to))
	}
	if changes != nil {
		s.addNote(o.Int("id"), "Stock levels increased: "+strings.Join(changes, ", "), false, "WooCommerce")
	}
}

// adjustLineStock follows a changed quantity on a line that already took stock.
func (s *Sim) adjustLineStock(l *Obj, qty int) {
	m, had := reducedBy(l)
	p := s.stockHolder(l)
	if m == nil || p == nil || had == qty {
		return
	}
	s.moveStock(p, had-qty)
	if qty == 0 {
		l.Set("meta_data", anyList(keep(l.objs("meta_data"), func(x *Obj) bool { return x != m })))
		return
	}
	s.setReduced(l, qty)
}

// settleStock derives the stock status of a product that manages its stock.
func (s *Sim) settleStock(p *Obj) {
	back := p.Str("backorders") != "no"
	if p.Get("manage_stock") == true {
		if p.Get("stock_quantity") == nil {
			p.Set("stock_quantity", 0)
		}
		switch {
		case p.Int("stock_quantity") > toInt(s.st.setting("products", "woocommerce_notify_no_stock_amount")):
			p.Set("stock_status", "instock")
		case back:
			p.Set("stock_status", "onbackorder")
		default:
			p.Set("stock_status", "outofstock")
		}
	} else {
		p.Set("stock_quantity", nil)
		p.Set("backorders", "no")
		back = false
	}
	p.Set("backorders_allowed", back)
	p.Set("backordered", p.Str("stock_status") == "onbackorder" || p.Get("manage_stock") == true && back && p.Int("stock_quantity") < 0)
}
