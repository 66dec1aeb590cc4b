package woocommerce

import (
	"context"
	"fmt"
	"slices"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// priceChange is what a part of the price of a product of the store is to be, as
// the texts of price.go.
type priceChange struct {
	Parent   int64  `json:"parent,omitempty"` // of a variation
	ID       int64  `json:"id"`
	Part     string `json:"part"`
	Value    string `json:"value"`
	Expected string `json:"expected"` // what the store had when the change was asked for
}

// priceSender writes prices. A price that was changed in the store meanwhile is
// left alone and compared anew.
type priceSender struct{}

func (priceSender) logType() string { return "price" }

// priceNow are the prices the store has.
type priceNow struct {
	Regular string `json:"regular"`
	Sale    string `json:"sale"`
}

func pricesOf(it item) priceNow {
	m := &ProductMap{HasRegular: it.regular.Set, Regular: it.regular.Decimal, HasSale: it.sale.Set, Sale: it.sale.Decimal, SaleFrom: orm.DatetimeOf(it.from.Time), SaleTo: orm.DatetimeOf(it.to.Time)}
	return priceNow{m.storePrice(partRegular), m.storePrice(partSale)}
}

func (n priceNow) of(part string) string {
	if part == partSale {
		return n.Sale
	}
	return n.Regular
}

func (priceSender) send(ctx context.Context, st *sending, list []*Outgoing) []outcome {
	return sendProducts(ctx, st, list, "regular_price,sale_price,date_on_sale_from_gmt,date_on_sale_to_gmt", func(payload []byte) (*productWrite, error) {
		c, err := payloadOf[priceChange](payload)
		if err != nil {
			return nil, err
		}
		w := &productWrite{parent: c.Parent, id: c.ID}
		w.decide = func(has item) (map[string]any, outcome) {
			now := pricesOf(has)
			after := now
			if c.Part == partSale {
				after.Sale = c.Value
			} else {
				after.Regular = c.Value
			}
			w.answer = after
			switch {
			case now.of(c.Part) == c.Value:
				return nil, outcome{state: OutgoingSent, answer: now}
			case now.of(c.Part) != c.Expected:
				return nil, outcome{state: OutgoingCancelled, reason: fmt.Sprintf("The store has %s by now, not %s: compared anew.", now.of(c.Part), c.Expected), answer: now}
			}
			if why := saleAboveRegular(after); why != "" {
				return nil, outcome{state: OutgoingFailed, reason: why}
			}
			entry, err := c.entry()
			if err != nil {
				return nil, outcome{state: OutgoingFailed, reason: explain(err)}
			}
			return entry, outcome{}
		}
		return w, nil
	})
}

// saleAboveRegular says why the store would drop the sale price in silence.
func saleAboveRegular(p priceNow) string {
	text, _, _, err := parseSale(p.Sale)
	if err != nil || text == "" || p.Regular == noPrice {
		return ""
	}
	sale, err1 := decimal.NewFromString(text)
	regular, err2 := decimal.NewFromString(p.Regular)
	if err1 != nil || err2 != nil || sale.LessThan(regular) {
		return ""
	}
	return fmt.Sprintf("The sale price %s would not be below the regular price %s, and the store would drop it. Change one of them.", text, p.Regular)
}

// entry are the fields of the store to be written.
func (c *priceChange) entry() (map[string]any, error) {
	if c.Part == partRegular {
		if c.Value == noPrice {
			return map[string]any{"regular_price": ""}, nil
		}
		return map[string]any{"regular_price": c.Value}, nil
	}
	price, from, to, err := parseSale(c.Value)
	return map[string]any{"sale_price": price, "date_on_sale_from_gmt": wcapi.SaleDate{Time: from}, "date_on_sale_to_gmt": wcapi.SaleDate{Time: to}}, err
}

// took notes what the store has now: the ends agree on what was sent.
func (priceSender) took(env *orm.Env, inst *Instance, done []delivered) error {
	var ids []any
	for _, d := range done {
		ids = append(ids, d.ResID)
	}
	list, err := orm.Search[ProductMap](env, orm.Leaf("id", "in", ids), orm.SearchOptions{})
	if err != nil {
		return err
	}
	byID := map[int64]*ProductMap{}
	for _, m := range list {
		byID[m.ID] = m
	}
	stamp, err := databaseClock(env)
	if err != nil {
		return err
	}
	var again []int64
	for _, d := range done {
		now, ok := d.answer.(priceNow)
		m := byID[d.ResID]
		if !ok || m == nil {
			continue
		}
		c, err := payloadOf[priceChange]([]byte(d.Payload))
		if err != nil {
			return err
		}
		if err := m.setPrice(c.Part, now.of(c.Part)); err != nil {
			return err
		}
		switch {
		case d.state != OutgoingSent:
			again = append(again, m.ID)
			continue
		case c.Part == partSale:
			m.BaseSale = now.Sale
		default:
			m.BaseRegular = now.Regular
		}
		m.WrittenStamp = stamp
	}
	if err := orm.Save(env, list); err != nil || len(again) == 0 {
		return err
	}
	slices.Sort(again)
	return comparePrices(env, inst, orm.Leaf("id", "in", anyIDs(again)))
}

// setPrice notes what the store has of a part.
func (m *ProductMap) setPrice(part, text string) error {
	if part == partRegular {
		m.HasRegular, m.Regular = text != noPrice, decimal.Zero
		if m.HasRegular {
			var err error
			m.Regular, err = decimal.NewFromString(text)
			return err
		}
		return nil
	}
	price, from, to, err := parseSale(text)
	if err != nil {
		return err
	}
	m.HasSale, m.Sale, m.SaleFrom, m.SaleTo = price != "", decimal.Zero, orm.DatetimeOf(from), orm.DatetimeOf(to)
	if m.HasSale {
		m.Sale, err = decimal.NewFromString(price)
	}
	return err
}
