package wcapi

import "encoding/json"

// Customer is a user of the store.
type Customer struct {
	ID        ID      `json:"id" wc:"strict"`
	Email     string  `json:"email" wc:"strict"`
	FirstName string  `json:"first_name"`
	LastName  string  `json:"last_name"`
	Username  string  `json:"username"`
	Role      string  `json:"role"` // one of several may be shown; "customer" also for none
	Billing   Address `json:"billing" wc:"loose"`
	Shipping  Address `json:"shipping" wc:"loose"`
	IsPaying  Flag    `json:"is_paying_customer"`
	AvatarURL string  `json:"avatar_url"`
	MetaData  []Meta  `json:"meta_data"`
	Created   Time    `json:"date_created_gmt"`
	Modified  Time    `json:"date_modified_gmt"` // often null
	// Raw is the object as the store sent it.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the object in Raw.
func (c *Customer) UnmarshalJSON(b []byte) error {
	*c = Customer{}
	return readObject(b, c)
}

// Coupon is a discount code.
type Coupon struct {
	ID               ID     `json:"id" wc:"strict"`
	Code             string `json:"code"`
	Amount           Amount `json:"amount"`
	Status           string `json:"status"`
	DiscountType     string `json:"discount_type"` // percent, fixed_cart, fixed_product
	Description      string `json:"description"`
	Expires          Time   `json:"date_expires_gmt"`
	UsageCount       Int    `json:"usage_count"`
	UsageLimit       Amount `json:"usage_limit" wc:"loose"`
	IndividualUse    Flag   `json:"individual_use"`
	ProductIDs       []ID   `json:"product_ids" wc:"loose"`
	ExcludedIDs      []ID   `json:"excluded_product_ids" wc:"loose"`
	FreeShipping     Flag   `json:"free_shipping"`
	ExcludeSaleItems Flag   `json:"exclude_sale_items"`
	MinimumAmount    Amount `json:"minimum_amount"`
	MaximumAmount    Amount `json:"maximum_amount"`
	Created          Time   `json:"date_created_gmt"`
	Modified         Time   `json:"date_modified_gmt"`
}

// Tax is one rate of the store's tax table.
type Tax struct {
	ID        ID       `json:"id" wc:"strict"`
	Country   string   `json:"country"` // "" is every country
	State     string   `json:"state"`   // "" is every state
	Postcodes []string `json:"postcodes" wc:"loose"`
	Cities    []string `json:"cities" wc:"loose"`
	Rate      Amount   `json:"rate"` // percent
	Name      string   `json:"name"`
	Priority  Int      `json:"priority"` // one rate of each priority applies
	Compound  Flag     `json:"compound"`
	Shipping  Flag     `json:"shipping"`
	Order     Int      `json:"order"`
	Class     string   `json:"class"` // "standard" or the slug of a [TaxClass]
}

// TaxClass groups rates; products name it by slug, the standard class by "".
type TaxClass struct {
	Slug string `json:"slug"`
	Name string `json:"name"`
}

// Setting is one option of a settings group.
type Setting struct {
	ID      string          `json:"id"`
	Label   string          `json:"label"`
	Type    string          `json:"type"`
	Value   json.RawMessage `json:"value"` // a string mostly, a list for multiselects
	Default json.RawMessage `json:"default"`
	Options json.RawMessage `json:"options"`
}

// Text is the value where it is a plain one, "" for lists.
func (s *Setting) Text() string {
	t, err := scalarText(s.Value)
	if err != nil {
		return ""
	}
	return t
}

// SystemStatus is what the store tells about itself; it needs keys of an
// administrator or shop manager.
type SystemStatus struct {
	Environment struct {
		HomeURL     string `json:"home_url"`
		SiteURL     string `json:"site_url"`
		StoreID     string `json:"store_id"`
		Version     string `json:"version"` // of WooCommerce
		WPVersion   string `json:"wp_version"`
		PHPVersion  string `json:"php_version"`
		Language    string `json:"language"`
		MaxPostSize Int    `json:"php_post_max_size"` // bytes
		MaxRunTime  Int    `json:"php_max_execution_time"`
	} `json:"environment"`
	Settings struct {
		Currency        string `json:"currency"`
		Decimals        Int    `json:"number_of_decimals"`
		ForceSSL        Flag   `json:"force_ssl"`
		OrderDatastore  string `json:"order_datastore"`
		HPOSEnabled     Flag   `json:"HPOS_enabled"`
		HPOSSyncEnabled Flag   `json:"HPOS_sync_enabled"`
	} `json:"settings"`
	ActivePlugins []Plugin `json:"active_plugins"`
}

// Plugin is an active WordPress plugin.
type Plugin struct {
	Plugin  string `json:"plugin"`
	Name    string `json:"name"`
	Version string `json:"version"`
}

// Webhook is a subscription. The store never shows its secret.
type Webhook struct {
	ID          ID     `json:"id" wc:"strict"`
	Name        string `json:"name"`
	Status      string `json:"status"` // active, paused, disabled (by the store, after failures)
	Topic       string `json:"topic"`
	Resource    string `json:"resource"`
	Event       string `json:"event"`
	DeliveryURL string `json:"delivery_url"`
	Created     Time   `json:"date_created_gmt"`
	Modified    Time   `json:"date_modified_gmt"`
}

// WebhookPatch holds what to write of a webhook; empty fields are left alone.
type WebhookPatch struct {
	Name        string `json:"name,omitempty"`
	Status      string `json:"status,omitempty"` // ignored at creation: it starts active
	Topic       string `json:"topic,omitempty"`
	DeliveryURL string `json:"delivery_url,omitempty"`
	Secret      string `json:"secret,omitempty"`
}

// ShippingZone is a region with its own methods; ID 0 is everywhere else.
type ShippingZone struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`
	Order Int    `json:"order"`
}

// ShippingZoneLocation is a part of a zone, e.g. code "CA:ON" of type "state".
type ShippingZoneLocation struct {
	Code string `json:"code"`
	Type string `json:"type"`
}

// ShippingZoneMethod is a way of shipping offered in a zone.
type ShippingZoneMethod struct {
	InstanceID  ID     `json:"instance_id"`
	Title       string `json:"title"`
	Order       Int    `json:"order"`
	Enabled     Flag   `json:"enabled"`
	MethodID    string `json:"method_id"`
	MethodTitle string `json:"method_title"`
}

// PaymentGateway is a way of paying.
type PaymentGateway struct {
	ID          string   `json:"id"`
	Title       string   `json:"title"`
	Description string   `json:"description"`
	Enabled     Flag     `json:"enabled"`
	MethodTitle string   `json:"method_title"`
	Supports    []string `json:"method_supports" wc:"loose"` // "refunds" where the gateway can pay back
}

// ShippingClass is a class products name by its slug.
type ShippingClass struct {
	ID    ID     `json:"id"`
	Name  string `json:"name"`
	Slug  string `json:"slug"`
	Count Int    `json:"count"`
}

// Currency is a currency the store knows.
type Currency struct {
	Code   string `json:"code"`
	Name   string `json:"name"`
	Symbol string `json:"symbol"` // may hold entities, see [Unescape]
}
