package ordermap

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"unicode"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
)

// Customer is who ordered.
type Customer struct {
	ID    int64  // in the store; 0 for guests and for accounts deleted since
	Email string // trimmed and folded to lower case; "" when none was given
	// Key identifies the customer: the e-mail, or without one a digest of name
	// and address; "" when nothing at all is known.
	Key       string
	Name      string // never empty
	Company   string
	IsCompany bool // no person is named
	Phone     string
	Billing   Address
	// Shipping is the delivery address; the same as Billing when none was given.
	Shipping  Address
	Elsewhere bool // Shipping is another place or person than Billing
}

// Address is a postal address.
type Address struct {
	Name, Company         string
	Street, Street2, City string
	State                 string // code, or text where the country has no codes
	Zip                   string
	Country               string // ISO 3166 alpha-2
	Phone                 string
}

// Empty reports whether the address names no place; a country alone, as
// checkouts fill it in, is none.
func (a Address) Empty() bool {
	return a.Street == "" && a.Street2 == "" && a.City == "" && a.Zip == ""
}

// Digest identifies an address regardless of case and spacing.
func (a Address) Digest() string {
	text := strings.Join([]string{a.Name, a.Company, a.Street, a.Street2, a.City, a.State, a.Zip, a.Country, a.Phone}, "\x00")
	sum := sha256.Sum256([]byte(strings.ToLower(text)))
	return hex.EncodeToString(sum[:12])
}

// CustomerOf is who placed an order.
func CustomerOf(o *wcapi.Order) Customer {
	b, s := address(o.Billing), address(o.Shipping)
	c := Customer{ID: int64(o.CustomerID), Email: NormalEmail(o.Billing.Email), Company: b.Company, Phone: b.Phone, Billing: b, Shipping: s}
	switch {
	case s.Empty():
		c.Shipping = b
	case b.Empty() && b.Name == "" && b.Company == "":
		c.Billing, c.Company = s, s.Company
	}
	if c.Phone == "" {
		c.Phone = s.Phone
	}
	if c.Name = named(b.Name, s.Name); c.Name == "" {
		c.Name, c.IsCompany = c.Company, c.Company != ""
	}
	if c.Name == "" && c.Email != "" {
		c.Name = c.Email
	}
	if c.Name == "" {
		c.Name = "Guest of order " + named(o.Number, "without a number")
	}
	c.Elsewhere = place(c.Shipping) != place(c.Billing)
	switch known := c.Billing.Name != "" || c.Billing.Company != ""; {
	case c.Email != "":
		c.Key = c.Email
	case known && !c.Billing.Empty(), known && c.Phone != "":
		c.Key = "address:" + c.Billing.Digest()
	}
	return c
}

// place is an address without the telephone number, which does not make
// another place of it.
func place(a Address) Address {
	a.Phone = ""
	return a
}

func address(a wcapi.Address) Address {
	return Address{Name: strings.TrimSpace(tidy(a.FirstName) + " " + tidy(a.LastName)), Company: tidy(a.Company), Street: tidy(a.Address1), Street2: tidy(a.Address2),
		City: tidy(a.City), State: tidy(a.State), Zip: tidy(a.Postcode), Country: strings.ToUpper(tidy(a.Country)), Phone: tidy(a.Phone)}
}

// tidy makes one space of several and drops characters that cannot be seen.
func tidy(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case r == '\u200b', r == '\ufeff', unicode.IsControl(r):
			return -1
		}
		return r
	}, clean(s))
	return strings.Join(strings.Fields(s), " ")
}

// NormalEmail is the spelling by which mail addresses are compared: trimmed,
// without invisible characters, in lower case.
func NormalEmail(s string) string { return strings.ToLower(strings.ReplaceAll(tidy(s), " ", "")) }
