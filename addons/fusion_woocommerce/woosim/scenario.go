package woosim

import (
	"errors"
	"fmt"
)

// NewOrder says what PlaceOrder is to order. The zero value is one to four of
// the shop's products for one of its customers.
type NewOrder struct {
	CustomerID int      // 0: one of the shop's, or a guest
	Guest      bool     // order as a guest, with a customer's address
	SKUs       []string // one piece each; empty: chosen by the seed
	Status     string   // processing by default
	Coupon     string
	NoShipping bool
	// BlockCheckout makes the order as the block checkout does: order.updated
	// comes before order.created. With Status checkout-draft it is a basket left
	// behind; AdvanceOrder finishes it.
	BlockCheckout bool
}

// PlaceOrder makes a new order of the store's own products for its own
// customers, with taxes by its rates, and queues the webhooks. Which products
// and customers is drawn with the simulator's seed. It returns the order's id.
func (s *Sim) PlaceOrder(n NewOrder) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := &Obj{}
	who, err := s.pickCustomer(n.CustomerID)
	if err != nil {
		return 0, err
	}
	if who != nil {
		bill := who.Obj("billing").clone()
		if bill.Str("email") == "" {
			bill.Set("email", who.Str("email"))
		}
		ship := who.Obj("shipping").clone()
		if ship.Str("country") == "" {
			ship = bill.clone()
			ship.del("email")
		}
		body.Set("billing", bill)
		body.Set("shipping", ship)
		if !n.Guest {
			body.Set("customer_id", who.Int("id"))
		}
	}
	lines, needsShipping, err := s.pickLines(n.SKUs)
	if err != nil {
		return 0, err
	}
	body.Set("line_items", lines)
	if needsShipping && !n.NoShipping {
		body.Set("shipping_lines", []any{s.pickShipping()})
	}
	if n.Coupon != "" {
		body.Set("coupon_lines", []any{object("code", n.Coupon)})
	}
	pay, payTitle := "bacs", "Direct bank transfer"
	for _, g := range s.st.gateways {
		if g.Bool("enabled") {
			pay, payTitle = g.Str("id"), g.Str("title")
		}
	}
	body.Set("payment_method", pay)
	body.Set("payment_method_title", payTitle)
	if n.Status == "" {
		n.Status = "processing"
	}
	body.Set("status", n.Status)
	via := "checkout"
	if n.BlockCheckout {
		via = "store-api"
	}
	o, err := s.makeOrder(body, via)
	if err != nil {
		return 0, fmt.Errorf("woosim: place order: %w", err)
	}
	return o.Int("id"), nil
}

func (s *Sim) pickCustomer(id int) (*Obj, error) {
	if id != 0 {
		if c := s.st.customers.get(id); c != nil {
			return c, nil
		}
		return nil, fmt.Errorf("woosim: customer %d is not in the store", id)
	}
	rows := keep(s.st.customers.rows, func(c *Obj) bool {
		return c.Str("role") == "customer" && c.Obj("billing").Str("country") != "" && validEmail(c.Str("email"))
	})
	if len(rows) == 0 {
		return nil, nil
	}
	return rows[s.rng.IntN(len(rows))], nil
}

func (s *Sim) pickLines(skus []string) ([]any, bool, error) {
	var chosen []*Obj
	for _, sku := range skus {
		p := s.bySKU(sku)
		if p == nil {
			return nil, false, fmt.Errorf("woosim: no product with SKU %q in the store", sku)
		}
		chosen = append(chosen, p)
	}
	if len(skus) == 0 {
		var all []*Obj
		for _, p := range append(append([]*Obj(nil), s.st.products.rows...), s.st.variations.rows...) {
			kind := p.Str("type")
			if p.Str("status") == "publish" && (kind == "simple" || kind == "variation") && dec(p.Str("price")).IsPositive() && p.Str("stock_status") != "outofstock" {
				all = append(all, p)
			}
		}
		if len(all) == 0 {
			return nil, false, errors.New("woosim: the store has no product that can be ordered")
		}
		for range 1 + s.rng.IntN(4) {
			chosen = append(chosen, all[s.rng.IntN(len(all))])
		}
	}
	var lines []any
	needsShipping := false
	for _, p := range chosen {
		l := &Obj{}
		if p.Str("type") == "variation" {
			l.Set("product_id", p.Int("parent_id"))
			l.Set("variation_id", p.Int("id"))
		} else {
			l.Set("product_id", p.Int("id"))
		}
		qty := 1
		if len(skus) == 0 {
			qty += s.rng.IntN(3)
		}
		l.Set("quantity", qty)
		lines = append(lines, l)
		needsShipping = needsShipping || !p.Bool("virtual")
	}
	return lines, needsShipping, nil
}

// pickShipping is the first flat rate of the shop's zones, or a standard one.
func (s *Sim) pickShipping() *Obj {
	for _, z := range s.st.zones {
		for _, m := range z.objs("methods") {
			if m.Str("method_id") != "flat_rate" || !m.Bool("enabled") {
				continue
			}
			cost := m.Obj("settings").Obj("cost").Str("value")
			if dec(cost).IsPositive() {
				return object("method_id", "flat_rate", "method_title", m.Str("title"), "instance_id", m.Str("instance_id"), "total", cost)
			}
		}
	}
	return object("method_id", "flat_rate", "method_title", "Flat rate", "total", "9.95")
}

func (s *Sim) withOrder(id int, f func(o *Obj) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.st.orders.get(id)
	if o == nil {
		return fmt.Errorf("woosim: order %d is not in the store", id)
	}
	if err := f(o); err != nil {
		return fmt.Errorf("woosim: order %d: %w", id, err)
	}
	return nil
}

// AdvanceOrder gives an order another status, with all that follows.
func (s *Sim) AdvanceOrder(id int, status string) error {
	return s.withOrder(id, func(o *Obj) error { return s.changeOrder(o, object("status", status)) })
}

// EditOrder carries out a PUT on an order; change is the JSON body.
func (s *Sim) EditOrder(id int, change []byte) error {
	v, err := decode(change)
	body, isObj := v.(*Obj)
	if err != nil || !isObj {
		return errors.New("woosim: the change is not a JSON object")
	}
	return s.withOrder(id, func(o *Obj) error { return s.changeOrder(o, body) })
}

// RefundOrder refunds part of an order; amount is a decimal string, "" the rest.
func (s *Sim) RefundOrder(id int, amount, reason string) (refund int, err error) {
	err = s.withOrder(id, func(o *Obj) error {
		if amount == "" {
			amount = dec(o.Str("total")).Sub(s.refundedSoFar(o)).StringFixed(s.places())
		}
		r, err := s.makeRefund(o, object("amount", amount, "reason", reason, "api_refund", false), 1)
		if err == nil {
			refund = r.Int("id")
		}
		return err
	})
	return refund, err
}

// TrashOrder puts an order into the trash.
func (s *Sim) TrashOrder(id int) error {
	return s.withOrder(id, func(o *Obj) error { s.trashOrder(o); return nil })
}

// RestoreOrder brings an order back from the trash as wp-admin does.
func (s *Sim) RestoreOrder(id int) error {
	return s.withOrder(id, func(o *Obj) error {
		if o.Str("status") != "trash" {
			return errors.New("not in the trash")
		}
		st, _ := o.Get(hidden + "status").(string)
		if st == "" {
			st = "pending"
		}
		s.setStatus(o, st)
		s.finishOrder(o)
		if !s.opt.HPOS {
			s.queueEvent("coupon.restored", id)
			s.queueEvent("product.restored", id)
		}
		s.queueEvent("order.restored", id)
		return nil
	})
}

// EditProduct carries out a PUT on a product or, by its own id, on a variation;
// change is the JSON body.
func (s *Sim) EditProduct(id int, change []byte) error {
	v, err := decode(change)
	body, isObj := v.(*Obj)
	if err != nil || !isObj {
		return errors.New("woosim: the change is not a JSON object")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.inside(id, body)
	f := (*rq).updateProduct
	if v := s.st.variations.get(id); v != nil {
		q.vars["product"], f = v.Str("parent_id"), (*rq).updateVariation
	}
	if _, err := f(q); err != nil {
		return fmt.Errorf("woosim: product %d: %w", id, err)
	}
	return nil
}

// inside is a request the shop makes of itself.
func (s *Sim) inside(id int, body *Obj) *rq {
	return &rq{s: s, user: &user{id: 1, role: "administrator"}, id: id, body: body, params: body.clone(), query: &Obj{}, vars: map[string]string{}}
}

// TrashProduct puts a product into the trash, with the stray coupon.deleted that
// comes with it.
func (s *Sim) TrashProduct(id int) error {
	return s.withProduct(id, func(p *Obj) error {
		if p.Str("status") == "trash" {
			return errors.New("is in the trash already")
		}
		s.trashProduct(p)
		return nil
	})
}

// RestoreProduct brings a product back from the trash as wp-admin does.
func (s *Sim) RestoreProduct(id int) error {
	return s.withProduct(id, func(p *Obj) error {
		if p.Str("status") != "trash" {
			return errors.New("is not in the trash")
		}
		p.Set("status", "draft") // WordPress brings posts back as drafts
		s.untrashProduct(p)
		s.stamp(p, "date_modified", s.now())
		s.settleProduct(p)
		s.queueEvent("product.updated", id)
		s.queueEvent("coupon.restored", id)
		s.queueEvent("product.restored", id)
		return nil
	})
}

func (s *Sim) withProduct(id int, f func(*Obj) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.st.products.get(id)
	if p == nil {
		return fmt.Errorf("woosim: product %d is not in the store", id)
	}
	if err := f(p); err != nil {
		return fmt.Errorf("woosim: product %d %w", id, err)
	}
	return nil
}

// SetStock sets a product's or variation's quantity, as a save in wp-admin does.
func (s *Sim) SetStock(sku string, quantity int) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.bySKU(sku)
	if p == nil {
		return fmt.Errorf("woosim: no product with SKU %q in the store", sku)
	}
	p.Set("manage_stock", true)
	s.moveStock(p, quantity-p.Int("stock_quantity"))
	return nil
}

// AddWebhook registers a webhook as POST /webhooks does and returns its id.
func (s *Sim) AddWebhook(topic, deliveryURL, secret string) (int, error) {
	if !validTopic(topic) || badDeliveryURL(deliveryURL) {
		return 0, fmt.Errorf("woosim: webhook %s to %s: topic or address is not valid", topic, deliveryURL)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addWebhook("", topic, deliveryURL, secret, nil).Int("id"), nil
}

// SetWebhookOwner makes a webhook read the shop as a user of that role; "" is
// nobody.
func (s *Sim) SetWebhookOwner(id int, role string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.hooks[id]
	if st == nil {
		return fmt.Errorf("woosim: webhook %d is not in the store", id)
	}
	st.role, st.owner = role, 1
	if role == "" {
		st.owner = 0
	}
	return nil
}

// Order returns an order as the API shows it, in JSON.
func (s *Sim) Order(id int) ([]byte, error) {
	var out []byte
	err := s.withOrder(id, func(o *Obj) error { out = encode(o); return nil })
	return out, err
}

// OrderIDs lists the orders of a status ("" is every order), oldest first.
func (s *Sim) OrderIDs(status string) []int {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []int
	rows := append([]*Obj(nil), s.st.orders.rows...)
	order(rows, false, func(o *Obj) int { return o.Int("id") }, nil)
	for _, o := range rows {
		if status == "" || o.Str("status") == status {
			out = append(out, o.Int("id"))
		}
	}
	return out
}
