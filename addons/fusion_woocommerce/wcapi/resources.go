package wcapi

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"

	"github.com/shopspring/decimal"
)

// Lists are asked by id, upwards: the store's default order loses and doubles
// rows that share a second.
func byID(q Query) Query {
	return q.With("orderby", "id").With("order", "asc")
}

// Products lists products of every status but trash. q may narrow it, e.g.
// {"status": "trash"} or {"sku": "A,B"}.
func (c *Client) Products(ctx context.Context, q Query) iter.Seq2[Product, error] {
	if q["status"] == "" {
		q = q.With("status", "any")
	}
	return List[Product](ctx, c, "products", byID(q))
}

// Product fetches one product, or a variation by its own id; a trashed one too.
func (c *Client) Product(ctx context.Context, id int64) (*Product, error) {
	return get[Product](ctx, c, fmt.Sprintf("products/%d", id), nil)
}

// CreateProduct makes a product from a [ProductPatch] or a map.
func (c *Client) CreateProduct(ctx context.Context, patch any) (*Product, error) {
	return send[Product](ctx, c, Request{Method: http.MethodPost, Path: "products", Body: patch})
}

// UpdateProduct writes the fields in patch (a [ProductPatch] or a map). Even
// an empty one moves the modification date and fires product.updated.
func (c *Client) UpdateProduct(ctx context.Context, id int64, patch any) (*Product, error) {
	return send[Product](ctx, c, Request{Method: http.MethodPut, Path: fmt.Sprintf("products/%d", id), Body: patch})
}

// DeleteProduct moves a product to the trash, or removes it for good.
func (c *Client) DeleteProduct(ctx context.Context, id int64, forGood bool) error {
	return c.remove(ctx, fmt.Sprintf("products/%d", id), forGood)
}

// Variations lists the variations of a variable product; none for any other.
func (c *Client) Variations(ctx context.Context, product int64, q Query) iter.Seq2[Variation, error] {
	return List[Variation](ctx, c, fmt.Sprintf("products/%d/variations", product), byID(q))
}

// Variation fetches one variation.
func (c *Client) Variation(ctx context.Context, product, id int64) (*Variation, error) {
	return get[Variation](ctx, c, fmt.Sprintf("products/%d/variations/%d", product, id), nil)
}

// CreateVariation adds a variation to a variable product.
func (c *Client) CreateVariation(ctx context.Context, product int64, patch any) (*Variation, error) {
	return send[Variation](ctx, c, Request{Method: http.MethodPost, Path: fmt.Sprintf("products/%d/variations", product), Body: patch})
}

// UpdateVariation writes the fields in patch. Variations can be written only
// through their parent's route.
func (c *Client) UpdateVariation(ctx context.Context, product, id int64, patch any) (*Variation, error) {
	return send[Variation](ctx, c, Request{Method: http.MethodPut, Path: fmt.Sprintf("products/%d/variations/%d", product, id), Body: patch})
}

// Categories lists the product categories.
func (c *Client) Categories(ctx context.Context) iter.Seq2[Category, error] {
	return List[Category](ctx, c, "products/categories", byID(nil))
}

// ShippingClasses lists the shipping classes.
func (c *Client) ShippingClasses(ctx context.Context) iter.Seq2[ShippingClass, error] {
	return List[ShippingClass](ctx, c, "products/shipping_classes", byID(nil))
}

// Attributes lists the store-wide attributes; they come in one page.
func (c *Client) Attributes(ctx context.Context) ([]Attribute, error) {
	return getAll[Attribute](ctx, c, "products/attributes")
}

// AttributeTerms lists the values of a store-wide attribute.
func (c *Client) AttributeTerms(ctx context.Context, attribute int64) iter.Seq2[AttributeTerm, error] {
	return List[AttributeTerm](ctx, c, fmt.Sprintf("products/attributes/%d/terms", attribute), byID(nil))
}

// Customers lists the store's users of every role, not only customers.
func (c *Client) Customers(ctx context.Context, q Query) iter.Seq2[Customer, error] {
	if q["role"] == "" {
		q = q.With("role", "all")
	}
	return List[Customer](ctx, c, "customers", byID(q))
}

// CustomersByEmail lists the users with this login mail, of whatever role.
func (c *Client) CustomersByEmail(ctx context.Context, email string) iter.Seq2[Customer, error] {
	return c.Customers(ctx, Query{"email": email})
}

// Customer fetches one user.
func (c *Client) Customer(ctx context.Context, id int64) (*Customer, error) {
	return get[Customer](ctx, c, fmt.Sprintf("customers/%d", id), nil)
}

// CreateCustomer registers a user; a taken mail is [ErrInvalid] with code registration-error-email-exists.
func (c *Client) CreateCustomer(ctx context.Context, patch any) (*Customer, error) {
	return send[Customer](ctx, c, Request{Method: http.MethodPost, Path: "customers", Body: patch})
}

// UpdateCustomer writes the fields in patch; role and username cannot be written.
func (c *Client) UpdateCustomer(ctx context.Context, id int64, patch any) (*Customer, error) {
	return send[Customer](ctx, c, Request{Method: http.MethodPut, Path: fmt.Sprintf("customers/%d", id), Body: patch})
}

// Order fetches one order; a trashed one too, with status trash.
func (c *Client) Order(ctx context.Context, id int64) (*Order, error) {
	return get[Order](ctx, c, fmt.Sprintf("orders/%d", id), nil)
}

// Orders lists orders by id, checkout drafts included, the trash not unless
// q asks for {"status": "trash"}. For polling see [Client.OrdersModified].
func (c *Client) Orders(ctx context.Context, q Query) iter.Seq2[Order, error] {
	if q["status"] == "" {
		q = q.With("status", "any")
	}
	return List[Order](ctx, c, "orders", byID(q))
}

// CreateOrder places an order. A refusal because of a coupon still leaves a
// pending order behind in the store.
func (c *Client) CreateOrder(ctx context.Context, order any) (*Order, error) {
	return send[Order](ctx, c, Request{Method: http.MethodPost, Path: "orders", Body: order})
}

// UpdateOrder writes the fields in patch. A patch that adds lines is not
// repeated when its outcome is unknown, since that would add them twice.
func (c *Client) UpdateOrder(ctx context.Context, id int64, patch any) (*Order, error) {
	body, err := json.Marshal(patch)
	if err != nil {
		return nil, &Error{Kind: ErrConfig, Method: http.MethodPut, Path: "orders", Message: "the patch cannot be written as JSON: " + err.Error()}
	}
	return send[Order](ctx, c, Request{Method: http.MethodPut, Path: fmt.Sprintf("orders/%d", id), Body: json.RawMessage(body), Once: addsLines(body)})
}

// addsLines reports whether an order patch holds a line without the id of an existing one.
func addsLines(patch []byte) bool {
	var p map[string]json.RawMessage
	if json.Unmarshal(patch, &p) != nil {
		return false
	}
	for _, field := range []string{"line_items", "shipping_lines", "fee_lines"} {
		var lines []struct {
			ID ID `json:"id"`
		}
		if json.Unmarshal(p[field], &lines) != nil {
			continue
		}
		for _, l := range lines {
			if l.ID == 0 {
				return true
			}
		}
	}
	return false
}

// SetOrderStatus writes the status, without the wc- prefix.
func (c *Client) SetOrderStatus(ctx context.Context, id int64, status string) (*Order, error) {
	return c.UpdateOrder(ctx, id, map[string]any{"status": status})
}

// DeleteOrder moves an order to the trash, or removes it for good.
func (c *Client) DeleteOrder(ctx context.Context, id int64, forGood bool) error {
	return c.remove(ctx, fmt.Sprintf("orders/%d", id), forGood)
}

// OrderNotes returns every note of an order, private ones too; they come in one page.
func (c *Client) OrderNotes(ctx context.Context, order int64) ([]OrderNote, error) {
	return getAll[OrderNote](ctx, c, fmt.Sprintf("orders/%d/notes", order))
}

// AddOrderNote adds a note. One for the customer is mailed at once, so look
// at [Client.OrderNotes] before repeating one whose outcome is unknown.
func (c *Client) AddOrderNote(ctx context.Context, order int64, text string, toCustomer bool) (*OrderNote, error) {
	return send[OrderNote](ctx, c, Request{Method: http.MethodPost, Path: fmt.Sprintf("orders/%d/notes", order),
		Body: map[string]any{"note": text, "customer_note": toCustomer}})
}

// RefundRequest asks for a refund. The zero values move no money and put no
// stock back: both happen only when asked for.
type RefundRequest struct {
	// Amount is positive. Without it the store adds the lines up.
	Amount decimal.Decimal
	Reason string
	Lines  []RefundLine
	Meta   []MetaSet
	// ViaGateway pays the money back through the payment gateway.
	ViaGateway bool
	// Restock puts the quantities of the lines back into the store's stock.
	Restock bool
}

// RefundLine names an order line and what of it is refunded, all positive.
type RefundLine struct {
	LineID   int64
	Quantity int64
	Total    decimal.Decimal // without tax
	Taxes    []RefundTax
}

// RefundTax is the refunded tax of a line by rate id.
type RefundTax struct {
	RateID int64
	Total  decimal.Decimal
}

// MarshalJSON spells out api_refund and api_restock, whose defaults in the
// store are true.
func (r RefundRequest) MarshalJSON() ([]byte, error) {
	type tax struct {
		ID    int64           `json:"id"`
		Total decimal.Decimal `json:"refund_total"`
	}
	type line struct {
		ID       int64           `json:"id"`
		Quantity int64           `json:"quantity,omitempty"`
		Total    decimal.Decimal `json:"refund_total"`
		Taxes    []tax           `json:"refund_tax,omitempty"`
	}
	out := struct {
		Amount     *Amount   `json:"amount,omitempty"`
		Reason     string    `json:"reason,omitempty"`
		Lines      []line    `json:"line_items,omitempty"`
		Meta       []MetaSet `json:"meta_data,omitempty"`
		APIRefund  bool      `json:"api_refund"`
		APIRestock bool      `json:"api_restock"`
	}{Reason: r.Reason, Meta: r.Meta, APIRefund: r.ViaGateway, APIRestock: r.Restock}
	if !r.Amount.IsZero() {
		a := NewAmount(r.Amount)
		out.Amount = &a
	}
	for _, l := range r.Lines {
		w := line{ID: l.LineID, Quantity: l.Quantity, Total: l.Total}
		for _, t := range l.Taxes {
			w.Taxes = append(w.Taxes, tax{t.RateID, t.Total})
		}
		out.Lines = append(out.Lines, w)
	}
	return json.Marshal(out)
}

// CreateRefund refunds an order. The store accepts an amount of zero and more
// pieces than were sold, so the caller checks both.
func (c *Client) CreateRefund(ctx context.Context, order int64, r RefundRequest) (*Refund, error) {
	if r.Amount.IsNegative() || r.Amount.IsZero() && len(r.Lines) == 0 {
		return nil, &Error{Kind: ErrInvalid, Method: http.MethodPost, Path: fmt.Sprintf("orders/%d/refunds", order), Message: "a refund needs a positive amount or lines"}
	}
	return send[Refund](ctx, c, Request{Method: http.MethodPost, Path: fmt.Sprintf("orders/%d/refunds", order), Body: r})
}

// OrderRefunds lists the refunds of one order.
func (c *Client) OrderRefunds(ctx context.Context, order int64) iter.Seq2[Refund, error] {
	return List[Refund](ctx, c, fmt.Sprintf("orders/%d/refunds", order), byID(nil))
}

// Refunds lists the refunds of all orders (WooCommerce 9 and newer).
func (c *Client) Refunds(ctx context.Context, q Query) iter.Seq2[Refund, error] {
	return List[Refund](ctx, c, "refunds", byID(q))
}

// Coupons lists the coupons.
func (c *Client) Coupons(ctx context.Context) iter.Seq2[Coupon, error] {
	return List[Coupon](ctx, c, "coupons", byID(nil))
}

// Taxes lists the tax table.
func (c *Client) Taxes(ctx context.Context) iter.Seq2[Tax, error] {
	return List[Tax](ctx, c, "taxes", byID(nil))
}

// TaxClasses lists the tax classes, the standard one first.
func (c *Client) TaxClasses(ctx context.Context) ([]TaxClass, error) {
	return getAll[TaxClass](ctx, c, "taxes/classes")
}

// Settings lists a group of settings: general, tax, products…
func (c *Client) Settings(ctx context.Context, group string) ([]Setting, error) {
	return getAll[Setting](ctx, c, "settings/"+percent(group))
}

// CurrentCurrency is the store's base currency.
func (c *Client) CurrentCurrency(ctx context.Context) (*Currency, error) {
	return get[Currency](ctx, c, "data/currencies/current", nil)
}

// SystemStatus reads what the store tells about itself.
func (c *Client) SystemStatus(ctx context.Context) (*SystemStatus, error) {
	return get[SystemStatus](ctx, c, "system_status", Query{"_fields": "environment,settings,active_plugins"})
}

// PaymentGateways lists the ways of paying.
func (c *Client) PaymentGateways(ctx context.Context) ([]PaymentGateway, error) {
	return getAll[PaymentGateway](ctx, c, "payment_gateways")
}

// ShippingZones lists the shipping zones.
func (c *Client) ShippingZones(ctx context.Context) ([]ShippingZone, error) {
	return getAll[ShippingZone](ctx, c, "shipping/zones")
}

// ShippingZoneLocations lists what belongs to a zone.
func (c *Client) ShippingZoneLocations(ctx context.Context, zone int64) ([]ShippingZoneLocation, error) {
	return getAll[ShippingZoneLocation](ctx, c, fmt.Sprintf("shipping/zones/%d/locations", zone))
}

// ShippingZoneMethods lists the ways of shipping of a zone.
func (c *Client) ShippingZoneMethods(ctx context.Context, zone int64) ([]ShippingZoneMethod, error) {
	return getAll[ShippingZoneMethod](ctx, c, fmt.Sprintf("shipping/zones/%d/methods", zone))
}

// Webhooks lists the subscriptions.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return List[Webhook](ctx, c, "webhooks", byID(nil))
}

// Webhook fetches one subscription.
func (c *Client) Webhook(ctx context.Context, id int64) (*Webhook, error) {
	return get[Webhook](ctx, c, fmt.Sprintf("webhooks/%d", id), nil)
}

// CreateWebhook subscribes. The store pings the delivery URL meanwhile, and
// creates the subscription whatever the ping meets.
func (c *Client) CreateWebhook(ctx context.Context, w WebhookPatch) (*Webhook, error) {
	return send[Webhook](ctx, c, Request{Method: http.MethodPost, Path: "webhooks", Body: w, secret: w.Secret != ""})
}

// UpdateWebhook changes a subscription.
func (c *Client) UpdateWebhook(ctx context.Context, id int64, w WebhookPatch) (*Webhook, error) {
	return send[Webhook](ctx, c, Request{Method: http.MethodPut, Path: fmt.Sprintf("webhooks/%d", id), Body: w, secret: w.Secret != ""})
}

// DeleteWebhook removes a subscription; there is no trash for them.
func (c *Client) DeleteWebhook(ctx context.Context, id int64) error {
	return c.remove(ctx, fmt.Sprintf("webhooks/%d", id), true)
}

func (c *Client) remove(ctx context.Context, path string, forGood bool) error {
	var q Query
	if forGood {
		q = Query{"force": "true"}
	}
	_, err := c.Do(ctx, Request{Method: http.MethodDelete, Path: path, Query: q})
	return err
}

// getAll fetches a collection that the store sends without pages. Items that
// cannot be read are told in the log and left out.
func getAll[T any](ctx context.Context, c *Client, path string) ([]T, error) {
	resp, err := c.Do(ctx, Request{Method: http.MethodGet, Path: path})
	if err != nil {
		return nil, err
	}
	items, err := pageItems(path, resp, 0)
	if err != nil {
		return nil, err
	}
	out := make([]T, 0, len(items))
	for _, it := range items {
		item, err := decodeItem[T](path, it)
		if err != nil {
			c.cfg.Logger.WarnContext(ctx, "an item of the store is left out", "path", path, "error", err)
			continue
		}
		out = append(out, item)
	}
	return out, nil
}
