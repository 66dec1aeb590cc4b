package woosim

import (
	"strings"

	"github.com/shopspring/decimal"
)

func (s *Sim) settlePrice(p *Obj) {
	reg, sale := p.Str("regular_price"), p.Str("sale_price")
	if sale != "" && (reg == "" || !dec(sale).LessThan(dec(reg))) {
		sale = ""
		p.Set("sale_price", "")
	}
	now := gmt(s.now())
	from, to := p.Str("date_on_sale_from_gmt"), p.Str("date_on_sale_to_gmt")
	on := sale != "" && (from == "" || from <= now) && (to == "" || to >= now)
	p.Set("on_sale", on)
	p.Set("price", reg)
	if on {
		p.Set("price", sale)
	}
}

func (s *Sim) priceHTML(p *Obj) string {
	price := p.Str("price")
	if price == "" {
		return ""
	}
	if !p.Bool("on_sale") || p.Str("regular_price") == "" {
		return s.priceTag(dec(price))
	}
	reg, now := dec(p.Str("regular_price")), dec(price)
	plain := func(d decimal.Decimal) string {
		return strings.ReplaceAll(s.around(s.amountText(d), "&#036;"), " ", "&nbsp;")
	}
	return `<del aria-hidden="true">` + s.priceTag(reg) + `</del> <span class="screen-reader-text">Original price was: ` + plain(reg) +
		`.</span><ins aria-hidden="true">` + s.priceTag(now) + `</ins><span class="screen-reader-text">Current price is: ` + plain(now) + `.</span>`
}

func (s *Sim) amountText(d decimal.Decimal) string {
	if d.IsNegative() {
		d = decimal.Zero
	}
	v := d.StringFixed(s.places())
	whole, frac, _ := strings.Cut(v, ".")
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if frac == "" {
		return whole
	}
	return whole + "." + frac
}

func (s *Sim) around(amount, symbol string) string {
	switch s.st.setting("general", "woocommerce_currency_pos") {
	case "right":
		return amount + symbol
	case "right_space":
		return amount + "&nbsp;" + symbol
	case "left":
		return symbol + amount
	}
	return symbol + "&nbsp;" + amount
}

func (s *Sim) priceTag(d decimal.Decimal) string {
	sym := `<span class="woocommerce-Price-currencySymbol">&#36;</span>`
	return `<span class="woocommerce-Price-amount amount"><bdi>` + s.around(s.amountText(d), sym) + `</bdi></span>`
}
