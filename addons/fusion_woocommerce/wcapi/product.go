package wcapi

import (
	"encoding/json"
	"strings"
)

// Product is a product of any type, also a variation read by its own id on
// /products (type "variation", ParentID set), which is what webhooks send.
type Product struct {
	ID                ID                 `json:"id" wc:"strict"`
	ParentID          ID                 `json:"parent_id"`
	Name              string             `json:"name"` // may hold entities, see [Unescape]
	Slug              string             `json:"slug"`
	Permalink         string             `json:"permalink"`
	Type              string             `json:"type"`   // simple, variable, variation, grouped, external, or an extension's
	Status            string             `json:"status"` // publish, draft, pending, private, trash
	Featured          Flag               `json:"featured"`
	CatalogVisibility string             `json:"catalog_visibility"`
	Description       string             `json:"description"`       // HTML
	ShortDescription  string             `json:"short_description"` // HTML
	SKU               string             `json:"sku" wc:"strict"`
	GlobalUniqueID    string             `json:"global_unique_id"` // GTIN, EAN, ISBN
	Price             Amount             `json:"price"`            // in force now; the lowest variation's of a variable product
	RegularPrice      Amount             `json:"regular_price"`
	SalePrice         Amount             `json:"sale_price"`
	SaleFrom          Time               `json:"date_on_sale_from_gmt" wc:"strict"`
	SaleTo            Time               `json:"date_on_sale_to_gmt" wc:"strict"`
	OnSale            Flag               `json:"on_sale"`
	Virtual           Flag               `json:"virtual"`
	Downloadable      Flag               `json:"downloadable"`
	TotalSales        Int                `json:"total_sales"`
	ExternalURL       string             `json:"external_url"`
	TaxStatus         string             `json:"tax_status"` // taxable, shipping, none
	TaxClass          string             `json:"tax_class"`  // "" is the standard class
	ManageStock       StockMode          `json:"manage_stock"`
	StockQuantity     Amount             `json:"stock_quantity"` // not set while stock is not managed; may be negative
	StockStatus       string             `json:"stock_status"`   // instock, outofstock, onbackorder
	Backorders        string             `json:"backorders"`     // no, notify, yes
	LowStockAmount    Amount             `json:"low_stock_amount" wc:"loose"`
	SoldIndividually  Flag               `json:"sold_individually"`
	Weight            Amount             `json:"weight" wc:"loose"`
	Dimensions        Dimensions         `json:"dimensions" wc:"loose"`
	ShippingClass     string             `json:"shipping_class"`
	Categories        []Term             `json:"categories" wc:"loose"`
	Tags              []Term             `json:"tags" wc:"loose"`
	Images            []Image            `json:"images" wc:"loose"`
	Attributes        []ProductAttribute `json:"attributes" wc:"loose"`
	DefaultAttributes []ProductAttribute `json:"default_attributes" wc:"loose"`
	VariationIDs      []ID               `json:"variations" wc:"loose"`
	GroupedIDs        []ID               `json:"grouped_products" wc:"loose"`
	UpsellIDs         []ID               `json:"upsell_ids" wc:"loose"`
	CrossSellIDs      []ID               `json:"cross_sell_ids" wc:"loose"`
	MenuOrder         Int                `json:"menu_order"`
	MetaData          []Meta             `json:"meta_data" wc:"loose"`
	Created           Time               `json:"date_created_gmt"`
	Modified          Time               `json:"date_modified_gmt"`
	// Raw is the object as the store sent it.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the object in Raw.
func (p *Product) UnmarshalJSON(b []byte) error {
	*p = Product{}
	return readObject(b, p)
}

// IsVariation reports whether the object belongs to a product with variations,
// and is written through the route of that. Extensions have types of their own,
// such as subscription_variation. A simple product may have a parent, too: the
// grouped one it is shown with.
func (p *Product) IsVariation() bool {
	kind := strings.ToLower(p.Type)
	if strings.HasSuffix(kind, "variation") {
		return true
	}
	switch kind {
	case "simple", "grouped", "external", "":
		return false
	}
	return p.ParentID != 0 && !p.HasVariations()
}

// HasVariations reports whether the product is sold by its variations:
// variable, variable-subscription, or another type that lists some.
func (p *Product) HasVariations() bool {
	kind := strings.ToLower(p.Type)
	return strings.HasPrefix(kind, "variable") || len(p.VariationIDs) > 0 && kind != "simple" && !strings.HasSuffix(kind, "variation")
}

// Variation is one member of a variable product.
type Variation struct {
	ID             ID     `json:"id" wc:"strict"`
	ParentID       ID     `json:"parent_id"`
	Name           string `json:"name"`
	Type           string `json:"type"`
	Status         string `json:"status"`
	Permalink      string `json:"permalink"`
	Description    string `json:"description"`
	SKU            string `json:"sku" wc:"strict"` // the parent's where it has none of its own
	GlobalUniqueID string `json:"global_unique_id"`
	Price          Amount `json:"price"`
	RegularPrice   Amount `json:"regular_price"`
	SalePrice      Amount `json:"sale_price"`
	SaleFrom       Time   `json:"date_on_sale_from_gmt" wc:"strict"`
	SaleTo         Time   `json:"date_on_sale_to_gmt" wc:"strict"`
	OnSale         Flag   `json:"on_sale"`
	Virtual        Flag   `json:"virtual"`
	Downloadable   Flag   `json:"downloadable"`
	TaxStatus      string `json:"tax_status"`
	TaxClass       string `json:"tax_class"` // "parent" stands for the parent's
	// ManageStock StockOfParent: StockQuantity is the parent's.
	ManageStock    StockMode          `json:"manage_stock"`
	StockQuantity  Amount             `json:"stock_quantity"`
	StockStatus    string             `json:"stock_status"`
	Backorders     string             `json:"backorders"`
	LowStockAmount Amount             `json:"low_stock_amount" wc:"loose"`
	Weight         Amount             `json:"weight" wc:"loose"`
	Dimensions     Dimensions         `json:"dimensions" wc:"loose"`
	ShippingClass  string             `json:"shipping_class"`
	Image          *Image             `json:"image" wc:"loose"`
	Attributes     []ProductAttribute `json:"attributes" wc:"loose"` // an attribute left open ("any") is missing
	MenuOrder      Int                `json:"menu_order"`
	MetaData       []Meta             `json:"meta_data" wc:"loose"`
	Created        Time               `json:"date_created_gmt"`
	Modified       Time               `json:"date_modified_gmt"`
	// Raw is the object as the store sent it.
	Raw json.RawMessage `json:"-"`
}

// UnmarshalJSON keeps the object in Raw.
func (v *Variation) UnmarshalJSON(b []byte) error {
	*v = Variation{}
	return readObject(b, v)
}

// Dimensions are in the store's own unit of length.
type Dimensions struct {
	Length Amount `json:"length"`
	Width  Amount `json:"width"`
	Height Amount `json:"height"`
}

// Term is a category or tag as a product names it.
type Term struct {
	ID   ID     `json:"id"`
	Name string `json:"name"`
	Slug string `json:"slug"`
}

// Image is a picture of the media library. When writing, send the ID once it
// is known: a picture sent by Src is imported again each time.
type Image struct {
	ID       ID     `json:"id"`
	Src      string `json:"src"`
	Name     string `json:"name"`
	Alt      string `json:"alt"`
	Modified Time   `json:"date_modified_gmt"`
}

// ProductAttribute is an attribute of a product (Options) or the choice of a
// variation (Option). ID 0 is an attribute of this product only.
type ProductAttribute struct {
	ID        ID       `json:"id"`
	Name      string   `json:"name"`
	Slug      string   `json:"slug"`
	Position  Int      `json:"position"`
	Visible   Flag     `json:"visible"`
	Variation Flag     `json:"variation"`
	Options   []string `json:"options" wc:"loose"`
	Option    string   `json:"option"`
}

// Category is a product category.
type Category struct {
	ID          ID     `json:"id" wc:"strict"`
	Name        string `json:"name"`
	Slug        string `json:"slug"`
	Parent      ID     `json:"parent"`
	Description string `json:"description"`
	Display     string `json:"display"`
	Image       *Image `json:"image" wc:"loose"`
	MenuOrder   Int    `json:"menu_order"`
	Count       Int    `json:"count"`
}

// Attribute is a store-wide product attribute.
type Attribute struct {
	ID      ID     `json:"id"`
	Name    string `json:"name"`
	Slug    string `json:"slug"`
	Type    string `json:"type"`
	OrderBy string `json:"order_by"`
}

// AttributeTerm is one value of an [Attribute].
type AttributeTerm struct {
	ID        ID     `json:"id"`
	Name      string `json:"name"`
	Slug      string `json:"slug"`
	MenuOrder Int    `json:"menu_order"`
	Count     Int    `json:"count"`
}

// ProductPatch holds the fields of a product or variation to write; nil fields
// are left alone. A set Amount writes its value, an unset one clears the field.
type ProductPatch struct {
	ID               *ID        `json:"id,omitempty"` // in batches
	Name             *string    `json:"name,omitempty"`
	Type             *string    `json:"type,omitempty"`
	Status           *string    `json:"status,omitempty"`
	SKU              *string    `json:"sku,omitempty"`
	Description      *string    `json:"description,omitempty"`
	ShortDescription *string    `json:"short_description,omitempty"`
	RegularPrice     *Amount    `json:"regular_price,omitempty"`
	SalePrice        *Amount    `json:"sale_price,omitempty"`
	SaleFrom         *SaleDate  `json:"date_on_sale_from_gmt,omitempty"`
	SaleTo           *SaleDate  `json:"date_on_sale_to_gmt,omitempty"`
	TaxStatus        *string    `json:"tax_status,omitempty"`
	TaxClass         *string    `json:"tax_class,omitempty"`
	ManageStock      *StockMode `json:"manage_stock,omitempty"`
	// StockQuantity is a whole number for the store; it is ignored while stock is not managed.
	StockQuantity *int64     `json:"stock_quantity,omitempty"`
	StockStatus   *string    `json:"stock_status,omitempty"`
	Backorders    *string    `json:"backorders,omitempty"`
	Weight        *Amount    `json:"weight,omitempty"`
	Images        []ImageRef `json:"images,omitempty"` // replaces all pictures
	Image         *ImageRef  `json:"image,omitempty"`  // of a variation
	MetaData      []MetaSet  `json:"meta_data,omitempty"`
}

// SaleDate is a bound of a sale; the zero value clears it (the store ignores
// null there and wants the empty string).
type SaleDate Time

// MarshalJSON writes UTC digits or "".
func (d SaleDate) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte(`""`), nil
	}
	return Time(d).MarshalJSON()
}

// ImageRef names a picture by its media ID, or by an address to import it from.
type ImageRef struct {
	ID   ID     `json:"id,omitempty"`
	Src  string `json:"src,omitempty"`
	Name string `json:"name,omitempty"`
	Alt  string `json:"alt,omitempty"`
}

// MetaSet writes one meta entry; a nil Value deletes it.
type MetaSet struct {
	ID    ID     `json:"id,omitempty"`
	Key   string `json:"key"`
	Value any    `json:"value"`
}
