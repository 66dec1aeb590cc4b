package wcapi

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
)

// Fulfillment is a parcel of an order in the store's own records, which
// WooCommerce 10.1 and later keep where the feature is switched on.
type Fulfillment struct {
	ID          ID     `json:"id" wc:"strict"`
	Status      string `json:"status"`
	IsFulfilled Flag   `json:"is_fulfilled"`
	MetaData    []Meta `json:"meta_data"`
}

// Meta is the text of a meta value, "" when there is none of this key.
func (f *Fulfillment) Meta(key string) string {
	for _, m := range f.MetaData {
		if m.Key == key {
			return m.Text()
		}
	}
	return ""
}

// FulfillmentItem is what of an order line is in the parcel.
type FulfillmentItem struct {
	LineID   int64 `json:"item_id"`
	Quantity int64 `json:"qty"`
}

// FulfillmentPatch is a parcel to be written. Texts that are empty are not sent.
type FulfillmentPatch struct {
	Items                         []FulfillmentItem
	Tracking, Provider, Link, Key string
	// KeyName is the meta key that holds Key, by which the parcel is found again.
	KeyName string
}

// MarshalJSON writes the parcel as one that has been sent.
func (f FulfillmentPatch) MarshalJSON() ([]byte, error) {
	meta := []map[string]any{{"key": "_items", "value": f.Items}}
	for _, m := range [][2]string{{"_tracking_number", f.Tracking}, {"_shipping_provider", f.Provider}, {"_tracking_url", f.Link}, {f.KeyName, f.Key}} {
		if m[1] != "" {
			meta = append(meta, map[string]any{"key": m[0], "value": m[1]})
		}
	}
	return json.Marshal(map[string]any{"status": "fulfilled", "is_fulfilled": true, "meta_data": meta})
}

// OrderFulfillments returns the parcels of an order; [ErrNotFound] with the code
// rest_no_route where the store does not keep them.
func (c *Client) OrderFulfillments(ctx context.Context, order int64) ([]Fulfillment, error) {
	return getAll[Fulfillment](ctx, c, fmt.Sprintf("orders/%d/fulfillments", order))
}

// CreateFulfillment adds a parcel. notify has the store write to the customer.
func (c *Client) CreateFulfillment(ctx context.Context, order int64, f FulfillmentPatch, notify bool) (*Fulfillment, error) {
	return send[Fulfillment](ctx, c, Request{Method: http.MethodPost, Path: fmt.Sprintf("orders/%d/fulfillments", order), Query: notifying(notify), Body: f})
}

// UpdateFulfillment writes a parcel anew.
func (c *Client) UpdateFulfillment(ctx context.Context, order, id int64, f FulfillmentPatch, notify bool) (*Fulfillment, error) {
	return send[Fulfillment](ctx, c, Request{Method: http.MethodPut, Path: fmt.Sprintf("orders/%d/fulfillments/%d", order, id), Query: notifying(notify), Body: f})
}

// DeleteFulfillment takes a parcel back; [ErrNotFound] when it is gone already.
func (c *Client) DeleteFulfillment(ctx context.Context, order, id int64) error {
	return c.remove(ctx, fmt.Sprintf("orders/%d/fulfillments/%d", order, id), true)
}

func notifying(notify bool) Query {
	if !notify {
		return nil
	}
	return Query{"notify_customer": "true"}
}

// trackingRoute is what the extensions Shipment Tracking and Advanced Shipment
// Tracking answer on.
const trackingRoute = "/wc-shipment-tracking/v3/orders/%d/shipment-trackings"

// Tracking is a parcel in the records of a tracking extension.
type Tracking struct {
	ID       string `json:"tracking_id"`
	Provider string `json:"tracking_provider"`
	Number   string `json:"tracking_number"`
	Link     string `json:"tracking_link"`
	Shipped  string `json:"date_shipped"`
}

// TrackingPatch is a parcel to be added. A provider the extension does not know
// goes into Custom, with its link.
type TrackingPatch struct {
	Number     string `json:"tracking_number"`
	Provider   string `json:"tracking_provider,omitempty"`
	Custom     string `json:"custom_tracking_provider,omitempty"`
	CustomLink string `json:"custom_tracking_link,omitempty"`
	Shipped    string `json:"date_shipped,omitempty"` // 2026-12-01
}

// OrderTrackings returns the parcels of an order; [ErrNotFound] with the code
// rest_no_route where no tracking extension is installed.
func (c *Client) OrderTrackings(ctx context.Context, order int64) ([]Tracking, error) {
	return getAll[Tracking](ctx, c, fmt.Sprintf(trackingRoute, order))
}

// AddTracking adds a parcel.
func (c *Client) AddTracking(ctx context.Context, order int64, t TrackingPatch) (*Tracking, error) {
	return send[Tracking](ctx, c, Request{Method: http.MethodPost, Path: fmt.Sprintf(trackingRoute, order), Body: t})
}

// DeleteTracking removes a parcel; [ErrNotFound] when it is gone already.
func (c *Client) DeleteTracking(ctx context.Context, order int64, id string) error {
	return c.remove(ctx, fmt.Sprintf(trackingRoute+"/%s", order, id), true)
}
