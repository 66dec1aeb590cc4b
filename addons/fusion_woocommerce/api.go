package woocommerce

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// apiVersion is that of the contract with the plugin (docs/plugin-api.md). It rises
// when something a plugin relies on goes or changes its meaning.
const apiVersion = 1

// api is what the addon answers the plugin of a store, and its own users.
func api() controllers.API {
	return controllers.API{
		StoreOf:  storeOf,
		Document: openDocument,
		Plugin: map[string]controllers.Answerer{
			"/woo/api/ping":                 ping,
			"/woo/api/order/{id}/status":    orderStatus,
			"/woo/api/order/{id}/documents": orderDocuments,
			"/woo/api/order/{id}/messages":  orderMessages,
		},
		Search: map[string]controllers.Answerer{
			"/woo/search/odoo_products": searchProducts,
			"/woo/search/woo_products":  searchStoreProducts,
			"/woo/search/mapped":        searchMapped,
		},
	}
}

// storeOf finds the instance whose API key this is. Digests are compared, so that the
// time it takes tells nothing of the keys. A key that two stores have is nobody's.
func storeOf(env *orm.Env, key string) (int64, error) {
	list, err := orm.Search[Instance](env, orm.Leaf("odoo_api_key", "!=", false), orm.SearchOptions{Order: "id"})
	if err != nil {
		return 0, err
	}
	given := sha256.Sum256([]byte(key))
	var found []int64
	for _, inst := range list {
		has := sha256.Sum256([]byte(inst.APIKey.Reveal()))
		if subtle.ConstantTimeCompare(given[:], has[:]) == 1 && inst.APIKey != "" {
			found = append(found, inst.ID)
		}
	}
	if len(found) != 1 {
		return 0, nil
	}
	return found[0], nil
}

// pong is what the system says of itself.
type pong struct {
	API      int    `json:"api"`
	Version  string `json:"version"`
	Instance string `json:"instance"`
	Live     bool   `json:"live"` // orders are imported and changes are sent
	Time     string `json:"time"`
}

func ping(env *orm.Env, c *controllers.Call) (any, error) {
	inst, err := orm.Get[Instance](env, c.Instance)
	if err != nil {
		return nil, err
	}
	return pong{apiVersion, version, inst.Name, inst.Live && inst.State == StoreConnected && !inst.DryRun, isoTime(orm.DatetimeOf(env.Now()))}, nil
}

// calledOrder is the order a call is about, with its sale order, which is nil when
// there is none. Orders of other stores are answered like those that do not exist.
func calledOrder(env *orm.Env, c *controllers.Call) (*Order, *sale_stock.Order, error) {
	o, err := orm.First[Order](env, orm.And(orm.Leaf("instance_id", "=", c.Instance), orm.Leaf("woo_id", "=", c.Order)), "", "currency_id", "instance_id")
	if err != nil {
		return nil, nil, err
	}
	if o == nil {
		return nil, nil, controllers.Faultf(http.StatusNotFound, "not_found", "This store has no such order here.")
	}
	if !o.SaleID.IsSet() {
		return o, nil, nil
	}
	s, err := orm.Get[sale_stock.Order](env, o.SaleID.ID, "invoice_ids")
	return o, s, err
}

// isoTime writes a moment as JSON has it, "" for none.
func isoTime(d orm.Datetime) string {
	if d.IsZero() {
		return ""
	}
	return d.Time().UTC().Format(time.RFC3339)
}

// statusAnswer says how far an order is. Nothing in it is for staff only.
type statusAnswer struct {
	Order       int64      `json:"order_id"`
	Number      string     `json:"number"`
	StoreStatus string     `json:"store_status"`
	State       string     `json:"state"`
	SaleOrder   string     `json:"sale_order"`
	Delivery    string     `json:"delivery"`
	Total       string     `json:"total"`
	Currency    string     `json:"currency"`
	Timeline    []happened `json:"timeline"`
}

// happened is one entry of the timeline of an order.
type happened struct {
	Event    string      `json:"event"`
	At       string      `json:"at"` // a moment, or a day
	Shipment *parcelTold `json:"shipment"`
	Document *amountTold `json:"document"`
}

type parcelTold struct {
	Carrier   string       `json:"carrier"`
	Tracking  string       `json:"tracking_number"`
	Link      string       `json:"tracking_url"`
	Backorder bool         `json:"backorder"`
	Items     []parcelItem `json:"items"`
}

type parcelItem struct {
	Line     int64  `json:"line_id"` // of the store's order, 0 when it has none
	Name     string `json:"name"`
	Quantity string `json:"quantity"`
}

type amountTold struct {
	Name     string `json:"name"`
	Amount   string `json:"amount"`
	Currency string `json:"currency"`
}

func orderStatus(env *orm.Env, c *controllers.Call) (any, error) {
	o, s, err := calledOrder(env, c)
	if err != nil {
		return nil, err
	}
	a := &statusAnswer{Order: o.RemoteID, Number: o.Number, StoreStatus: o.Status, State: o.State, Currency: o.CurrencyCode, Total: o.Total.String()}
	if cur := o.CurrencyID.Rec(); cur != nil {
		a.Total = o.Total.StringFixed(int32(cur.DecimalPlaces))
	}
	if s != nil {
		a.SaleOrder, a.Delivery = s.Name, s.DeliveryStatus
	}
	a.Timeline, err = timelineOf(env, o, s)
	return a, err
}

// confirmed reports whether there is a sale order that counts.
func confirmed(s *sale_stock.Order) bool { return s != nil && s.State == sale.OrderSale }
