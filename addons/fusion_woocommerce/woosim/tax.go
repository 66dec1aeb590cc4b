package woosim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"
)

// place is where an order is taxed.
type place struct{ country, state, postcode, city string }

// taxPlace follows WooCommerce: the address the settings name, the other one
// when it is empty, the shop's own when there is none; a local pickup is taxed
// at the shop.
func (s *Sim) taxPlace(o *Obj) place {
	base := s.basePlace()
	for _, l := range o.objs("shipping_lines") {
		if m := l.Str("method_id"); m == "local_pickup" || m == "pickup_location" {
			return base
		}
	}
	based := s.st.setting("tax", "woocommerce_tax_based_on")
	if based == "base" {
		return base
	}
	a := o.Obj("shipping")
	if based == "billing" || a.Str("country") == "" {
		a = o.Obj("billing")
	}
	if a.Str("country") == "" {
		return base
	}
	return place{a.Str("country"), a.Str("state"), a.Str("postcode"), a.Str("city")}
}

func (s *Sim) basePlace() place {
	c, st, _ := strings.Cut(s.st.setting("general", "woocommerce_default_country"), ":")
	return place{c, st, s.st.setting("general", "woocommerce_store_postcode"), s.st.setting("general", "woocommerce_store_city")}
}

// rate is one tax rate that applies.
type rate struct {
	id       int
	percent  decimal.Decimal
	compound bool
	shipping bool
	row      *Obj
}

// rates finds the rates of a class at a place: per priority the most specific
// one, in the order of priority.
func (s *Sim) rates(class string, at place) []rate {
	if s.st.setting("general", "woocommerce_calc_taxes") == "no" {
		return nil
	}
	if class == "" {
		class = "standard"
	}
	best := map[int]*Obj{}
	score := map[int]int{}
	for _, r := range s.st.taxes.rows {
		if r.Str("class") != class || (r.Str("country") != "" && !strings.EqualFold(r.Str("country"), at.country)) ||
			(r.Str("state") != "" && !strings.EqualFold(r.Str("state"), at.state)) {
			continue
		}
		n := 0
		if r.Str("country") != "" {
			n += 8
		}
		if r.Str("state") != "" {
			n += 4
		}
		if codes := localities(r, "postcodes", "postcode"); len(codes) > 0 {
			if !slices.ContainsFunc(codes, func(c string) bool { return postcodeMatches(c, at.postcode) }) {
				continue
			}
			n += 2
		}
		if cities := localities(r, "cities", "city"); len(cities) > 0 {
			if !slices.ContainsFunc(cities, func(c string) bool { return strings.EqualFold(c, at.city) }) {
				continue
			}
			n++
		}
		p := r.Int("priority")
		if best[p] == nil || n > score[p] || n == score[p] && (r.Int("order") < best[p].Int("order") || r.Int("order") == best[p].Int("order") && r.Int("id") < best[p].Int("id")) {
			best[p], score[p] = r, n
		}
	}
	var prios []int
	for p := range best {
		prios = append(prios, p)
	}
	slices.Sort(prios)
	var out []rate
	for _, p := range prios {
		r := best[p]
		out = append(out, rate{r.Int("id"), dec(r.Str("rate")), r.Bool("compound"), r.Bool("shipping"), r})
	}
	return out
}

func localities(r *Obj, list, single string) []string {
	var out []string
	for _, v := range r.List(list) {
		out = append(out, text(v))
	}
	if len(out) == 0 && r.Str(single) != "" {
		out = strings.Split(r.Str(single), ";")
	}
	return out
}

func postcodeMatches(pattern, code string) bool {
	clean := func(s string) string { return strings.ToUpper(strings.ReplaceAll(strings.TrimSpace(s), " ", "")) }
	pattern, code = clean(pattern), clean(code)
	if lo, hi, isRange := strings.Cut(pattern, "..."); isRange {
		return len(code) == len(lo) && lo <= code && code <= hi
	}
	if strings.HasSuffix(pattern, "*") {
		return strings.HasPrefix(code, strings.TrimSuffix(pattern, "*"))
	}
	return pattern == code
}

// taxOn computes each rate's tax on an amount without tax, to six decimals.
func taxOn(amount decimal.Decimal, rates []rate) map[int]decimal.Decimal {
	out := map[int]decimal.Decimal{}
	sum := decimal.Zero
	for _, r := range rates {
		if !r.compound {
			out[r.id] = amount.Mul(r.percent).Div(hundred).Round(6)
			sum = sum.Add(out[r.id])
		}
	}
	for _, r := range rates {
		if r.compound {
			out[r.id] = amount.Add(sum).Mul(r.percent).Div(hundred).Round(6)
			sum = sum.Add(out[r.id])
		}
	}
	return out
}

// withoutTax takes the rates out of an amount that includes them.
func withoutTax(amount decimal.Decimal, rates []rate) decimal.Decimal {
	net := amount
	for i := len(rates) - 1; i >= 0; i-- {
		if rates[i].compound {
			net = net.DivRound(decimal.NewFromInt(1).Add(rates[i].percent.Div(hundred)), 10)
		}
	}
	regular := decimal.NewFromInt(1)
	for _, r := range rates {
		if !r.compound {
			regular = regular.Add(r.percent.Div(hundred))
		}
	}
	return net.DivRound(regular, 10)
}

var hundred = decimal.NewFromInt(100)

// rateCode names a rate the way tax lines do.
func rateCode(r *Obj) string {
	var parts []string
	name := r.Str("name")
	if name == "" {
		name = "TAX"
	}
	for _, p := range []string{r.Str("country"), r.Str("state"), name, strconv.Itoa(max(1, r.Int("priority")))} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' {
			return c - 32
		}
		return c
	}, strings.Join(parts, "-"))
}
