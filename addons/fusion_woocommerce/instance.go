package woocommerce

import (
	"crypto/rand"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"

	"github.com/shopspring/decimal"
)

// Instance is one connected store.
type Instance struct {
	orm.Record `orm:"woo.instance" label:"WooCommerce Instance" order:"name"`
	mail.Thread

	Name           string                     `orm:"name,tracking" validate:"required" label:"Instance Name"`
	URL            string                     `orm:"url,tracking" validate:"required,http_url" label:"WooCommerce URL" help:"Full address of the WordPress site, such as https://shop.example"`
	ConsumerKey    orm.Secret                 `orm:"consumer_key,sent_to=url" validate:"required" groups:"base.group_system" label:"Consumer Key"`
	ConsumerSecret orm.Secret                 `orm:"consumer_secret,sent_to=url" validate:"required" groups:"base.group_system" label:"Consumer Secret"`
	WebhookSecret  orm.Secret                 `orm:"webhook_secret,sent_to=url" groups:"base.group_system" label:"Webhook Secret" help:"Signs what the store sends. Made by Register Webhooks when empty."`
	APIVersion     string                     `orm:"wc_api_version,default=wc/v3" label:"API Version"`
	APIKey         orm.Secret                 `orm:"odoo_api_key,nocopy" groups:"base.group_system" label:"Plugin API Key" help:"What the WordPress plugin presents to this system."`
	DocumentKey    orm.Secret                 `orm:"document_key,readonly,nocopy" groups:"base.group_system" label:"Key of Document Addresses" help:"Signs the addresses at which the plugin fetches documents. Made when the first is asked for."`
	CompanyID      orm.Ref[base.Company]      `orm:"company_id,required,default=company" label:"Company"`
	SyncInterval   string                     `orm:"sync_interval,default=15,required" selection:"5:5 minutes,15:15 minutes,30:30 minutes,60:60 minutes" label:"Sync Interval" help:"How often orders are read; webhooks come in at once."`
	SyncProducts   bool                       `orm:"sync_products,default=true" label:"Sync Products"`
	SyncOrders     bool                       `orm:"sync_orders,default=true" label:"Sync Orders"`
	SyncInvoices   bool                       `orm:"sync_invoices,default=true" label:"Sync Invoices" help:"Lets the WordPress plugin fetch the invoices, credit notes and delivery slips of an order for its customer, whenever he asks for them."`
	SyncInventory  bool                       `orm:"sync_inventory,default=true" label:"Sync Inventory" help:"Sends the quantities of mapped products to the store."`
	PushCompleted  bool                       `orm:"push_completed,default=true" label:"Complete Delivered Orders" help:"An order becomes completed in the store once nothing of it remains to be delivered."`
	ShipmentWay    string                     `orm:"shipment_way,default=auto,required" selection:"auto:The best the store has,fulfillment:Fulfillment,tracking:Tracking Extension,note:Note to the Customer" label:"Shipments Are Told As" help:"Where the store shows tracking numbers: in its own fulfillments, in a tracking extension, or in a note to the customer."`
	SaleList       orm.Ref[product.Pricelist] `orm:"sale_pricelist_id" label:"Sale Prices From" help:"The pricelist whose prices below the sales price become sale prices of the store, with their dates. Without one, sales are the store's own."`
	PriceGuard     int                        `orm:"price_guard,default=50" label:"Largest Drop of a Price (%)" help:"A price that would drop by more waits in the outbox until a person sends it; 0 lets every price through."`
	PriceBlock     string                     `orm:"price_block,text,readonly,nocopy" label:"Why No Prices Are Exchanged"`
	StoreCurrency  string                     `orm:"store_currency,readonly,nocopy" label:"Currency of the Store"`
	PricesWithTax  bool                       `orm:"prices_include_tax,readonly,nocopy" label:"Store Prices Include Tax"`
	PriceDecimals  int                        `orm:"store_decimals,default=2,readonly,nocopy" label:"Decimals of Prices"`
	Live           bool                       `orm:"live,readonly,nocopy,tracking" label:"Live" help:"Orders are imported and changes are sent. Before, nothing of either happens."`
	Checks         orm.Many[Check]            `orm:"check_ids,inverse=instance_id" label:"Doctor"`
	ExaminedAt     orm.Datetime               `orm:"examined_at,readonly,nocopy" label:"Examined On"`
	DryRun         bool                       `orm:"dry_run,nocopy" label:"Dry Run" help:"What would be sent to the store waits in the outbox and is not sent."`
	StockKind      string                     `orm:"stock_quantity_kind,default=free,required" selection:"free:Free to use,forecast:Forecast,on_hand:On hand" label:"Quantity Sent" help:"Which quantity of a product is the stock of the store."`
	StockBuffer    decimal.Decimal            `orm:"stock_buffer,digits=2" label:"Stock Kept Back" help:"This many units of each product are not offered in the store."`
	StockFrom      orm.Many[stock.Warehouse]  `orm:"stock_warehouse_ids,rel=woo_instance_stock_warehouse_rel:instance_id:warehouse_id" label:"Stock of Warehouses" help:"Whose quantities the store offers; none means the warehouse orders are delivered from."`
	StockUncounted string                     `orm:"stock_uncounted,default=leave,required" selection:"leave:Leave alone,count:Let the store count them" label:"Products the Store Does Not Count" help:"What happens to a product whose stock the store does not manage."`
	SyncCustomers  bool                       `orm:"sync_customers,default=true" label:"Sync Customers" help:"Exchanges changes of names, addresses, telephone numbers and e-mails of customers with an account."`
	CustomersAt    orm.Datetime               `orm:"customers_compared_at,readonly,nocopy" label:"Customers Compared On"`
	PolledAt       orm.Datetime               `orm:"polled_at,readonly,nocopy" label:"Orders Read On"`
	PriceSync      string                     `orm:"price_sync,default=both" selection:"odoo_to_woo:ERP to store,woo_to_odoo:Store to ERP,both:Both ways,none:None" label:"Price Sync Direction"`
	WarehouseID    orm.Ref[stock.Warehouse]   `orm:"default_warehouse_id" label:"Warehouse"`
	NotifyFailure  bool                       `orm:"notify_on_failure,default=true" label:"Notify on Failure" help:"Mails what failed, by cause; the same cause once a day."`
	NotifyOrder    bool                       `orm:"notify_on_order" label:"Notify on New Orders"`
	FailureSummary string                     `orm:"failure_summary,html,readonly,nocopy" label:"What Failed Last"`
	ToldLogID      int64                      `orm:"told_log_id,readonly,nocopy" label:"Last Failure Told"`
	ToldOrderID    int64                      `orm:"told_order_id,readonly,nocopy" label:"Last Order Told"`
	NotifyUsers    orm.Many[base.User]        `orm:"notify_user_ids,rel=woo_instance_notify_user_rel:instance_id:user_id" label:"Notify Users"`
	State          string                     `orm:"state,default=draft,tracking,readonly,nocopy" selection:"draft:Draft,connected:Connected,error:Error" label:"Status"`
	LastSync       orm.Datetime               `orm:"last_sync,readonly,nocopy" label:"Last Sync"`
	ProductMaps    orm.Many[ProductMap]       `orm:"product_map_ids,inverse=instance_id" label:"Product Mappings"`
	Orders         orm.Many[Order]            `orm:"order_ids,inverse=instance_id" label:"Orders"`
	Customers      orm.Many[Customer]         `orm:"customer_ids,inverse=instance_id" label:"Customers"`
	Logs           orm.Many[Log]              `orm:"sync_log_ids,inverse=instance_id" label:"Sync Logs"`
	Carriers       orm.Many[Carrier]          `orm:"carrier_ids,rel=woo_instance_carrier_rel:instance_id:carrier_id" label:"Shipping Carriers" help:"The carriers this store ships with; none means all."`
	MappedCount    orm.Deferred[int]          `orm:"mapped_count" label:"Mapped Products"`
	UnmappedCount  orm.Deferred[int]          `orm:"unmapped_count" label:"Unmapped Products"`
	ErrorCount     orm.Deferred[int]          `orm:"error_count" label:"Errors (24 h)"`
	OrderCount     orm.Deferred[int]          `orm:"order_count" label:"Orders"`
	HeldCount      orm.Deferred[int]          `orm:"held_count" label:"Orders Held"`

	// What the connection test found out.
	AuthMode     string       `orm:"auth_mode,default=auto" selection:"auto:Find out,basic:Basic over HTTPS,oauth:OAuth 1.0a,query:Keys in the address" label:"Sign-in"`
	PlainLinks   bool         `orm:"plain_permalinks,readonly" label:"Plain Permalinks"`
	SignAsHTTP   bool         `orm:"sign_as_http,readonly" label:"Signed as Plain HTTP" help:"The store is behind a proxy that does not tell it of HTTPS, so requests are signed for the address it believes to have."`
	ProvenURL    string       `orm:"proven_url,readonly,nocopy" groups:"base.group_system" label:"Proven Address" help:"The address that has shown to be a WooCommerce store. What any other says is not repeated."`
	StoreVersion string       `orm:"store_version,readonly,nocopy" label:"WooCommerce Version"`
	StoreZone    string       `orm:"store_timezone,readonly,nocopy" label:"Store Time Zone"`
	HPOS         bool         `orm:"hpos,readonly,nocopy" label:"High-Performance Order Storage" help:"Without it some edits of orders do not show in the list of changes; the daily comparison of all orders finds them."`
	TaxAtTotal   bool         `orm:"tax_at_subtotal,readonly" label:"Store Rounds Tax at Subtotal"`
	TestedAt     orm.Datetime `orm:"tested_at,readonly,nocopy" label:"Last Test"`
	LastError    string       `orm:"last_error,text,readonly,nocopy" label:"Last Error"`

	// Policies.
	UnknownProduct string                          `orm:"unknown_product,default=hold,required" selection:"hold:Hold the order,placeholder:Use the placeholder product,create:Create the product" label:"Unknown Product" help:"What happens to an order with a product that is not mapped."`
	MissingProduct string                          `orm:"missing_product,default=suggest,required" selection:"suggest:Suggest similar ones,create:Create them" label:"Products the ERP Lacks" help:"What Fetch Products does with a store product that has no product of the same internal reference."`
	Marketplace    string                          `orm:"marketplace_policy,default=hold,required" selection:"hold:Whole orders; hold the vendors' parts,parent:Whole orders,children:The vendors' parts" label:"Marketplace Orders" help:"A marketplace splits an order into a part for each vendor, which repeats its lines. Either the whole order or the parts become sale orders; the others are recorded only."`
	PaymentMaps    orm.Many[PaymentMap]            `orm:"payment_map_ids,inverse=instance_id" label:"Payment Methods"`
	StatusMaps     orm.Many[StatusMap]             `orm:"status_map_ids,inverse=instance_id" label:"Order Statuses"`
	AutoInvoice    string                          `orm:"auto_invoice,default=draft,required" selection:"none:No invoice,draft:Draft invoice,paid:Posted when paid,delivered:Posted when delivered" label:"Invoices"`
	PushRefunds    bool                            `orm:"push_refunds,default=true" label:"Tell the Store of Credit Notes" help:"A credit note that is posted here for an order of the store is recorded there as a refund."`
	RefundGateway  bool                            `orm:"refund_via_gateway" label:"Pay Back Through the Gateway" help:"The store pays the money of such a refund back through the gateway the order was paid with. Without it the refund is only recorded there."`
	GoLive         orm.Datetime                    `orm:"go_live" label:"Import Orders Since" help:"Older orders are not imported; empty imports all."`
	Tolerance      int                             `orm:"rounding_tolerance,default=2" label:"Rounding Tolerance (cents)" help:"By how much the total of a store's order may differ from the sum of its own parts. The difference becomes a line of its own."`
	ShippingID     orm.Ref[product.Product]        `orm:"shipping_product_id" label:"Shipping Product"`
	FeeID          orm.Ref[product.Product]        `orm:"fee_product_id" label:"Fee Product"`
	RoundingID     orm.Ref[product.Product]        `orm:"rounding_product_id" label:"Rounding Product"`
	PlaceholderID  orm.Ref[product.Product]        `orm:"placeholder_product_id" label:"Placeholder Product"`
	TaxMaps        orm.Many[TaxMap]                `orm:"tax_map_ids,inverse=instance_id" label:"Taxes"`
	FiscalPosition orm.Ref[account.FiscalPosition] `orm:"fiscal_position_id" label:"Fiscal Position"`

	// Where the next poll begins, and how far each webhook got.
	OrderCursor      orm.Datetime `orm:"order_cursor,readonly,nocopy" label:"Orders Read Up To"`
	FullCompareAt    orm.Datetime `orm:"full_compare_at,readonly,nocopy" label:"Last Full Comparison"`
	ProductCursor    orm.Datetime `orm:"product_cursor,readonly,nocopy" label:"Products Read Up To"`
	ProductCompareAt orm.Datetime `orm:"product_compare_at,readonly,nocopy" label:"Last Comparison of Products"`
	WebhookIDs       string       `orm:"webhook_ids,text,readonly,nocopy" label:"Registered Webhooks"`
	WebhookSeal      string       `orm:"webhook_seal,readonly,nocopy" groups:"base.group_system" label:"Digest of the Webhooks' Secret" help:"Of the secret the store was last told."`
	WebhookDoubt     bool         `orm:"webhook_doubt,readonly,nocopy" label:"Deliveries With a Wrong Signature" help:"A delivery of one of the registered webhooks was not signed with the secret. The next check tells the store the secret again."`
	WebhookRate      int          `orm:"webhook_rate,default=6000" label:"Webhooks per Minute" help:"How many deliveries of this store are stored one by one in a minute. None is refused: beyond that number the store is read instead."`
	RequestRate      float64      `orm:"request_rate,default=10" label:"Requests per Second" help:"How fast this store may be asked, at most."`
}

// The methods of an instance.
var (
	TestConnection   = orm.Method[Instance]{Name: "action_test_connection", Groups: []string{"fusion_woocommerce.group_woo_manager"}, Waiting: "Asking the store"}
	GenerateAPIKey   = orm.Method[Instance]{Name: "action_generate_api_key", Groups: []string{"fusion_woocommerce.group_woo_manager"}}
	SyncNow          = orm.Method[Instance]{Name: "action_sync_now"}
	FetchProducts    = orm.Method[Instance]{Name: "action_fetch_products", Groups: []string{"fusion_woocommerce.group_woo_manager"}}
	RegisterWebhooks = orm.Method[Instance]{Name: "action_register_webhooks", Groups: []string{"fusion_woocommerce.group_woo_manager"}, Waiting: "Registering webhooks in the store"}

	ViewMapped   = orm.Method[Instance]{Name: "action_view_mapped"}
	ViewUnmapped = orm.Method[Instance]{Name: "action_view_unmapped"}
	ViewOrders   = orm.Method[Instance]{Name: "action_view_orders"}
	ViewErrors   = orm.Method[Instance]{Name: "action_view_errors"}

	CronProducts  = orm.ModelMethod[Instance]{Name: "_cron_sync_products"}
	CronOrders    = orm.ModelMethod[Instance]{Name: "_cron_sync_orders"}
	CronInventory = orm.ModelMethod[Instance]{Name: "_cron_sync_inventory"}
	CronCustomers = orm.ModelMethod[Instance]{Name: "_cron_sync_customers"}
	CronHealth    = orm.ModelMethod[Instance]{Name: "_cron_health_check"}
	CronWebhooks  = orm.ModelMethod[Instance]{Name: "_cron_check_webhooks"}
)

func defineInstance(r *orm.Registry) {
	d := orm.Define[Instance](r)
	d.Unique("url_company", "url, company_id", "This store is already connected for this company.")
	d.Compute("mapped_count,unmapped_count,error_count,order_count,held_count", countInstance, "product_map_ids.state", "order_ids.state", "sync_log_ids.state")
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i, v := range list {
				list[i] = tidyURL(v)
			}
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			return made, addMaps(rs.Env, made.IDs)
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, v orm.Values) error {
			v = tidyURL(v)
			if _, ok := v["url"]; ok {
				// another address is another store until it has been tested
				v["auth_mode"], v["state"] = "auto", "draft"
			}
			if err := super(rs, v); err != nil {
				return err
			}
			return policyChanged(rs, v)
		}
	})
	for field, xmlid := range map[string]string{
		"shipping_product_id": "product_shipping", "fee_product_id": "product_fee",
		"rounding_product_id": "product_rounding", "placeholder_product_id": "product_unknown",
	} {
		d.Default(field, func(env *orm.Env) (any, error) {
			rs, ok, err := env.Sudo().FindRef("fusion_woocommerce." + xmlid)
			if err != nil || !ok {
				return nil, err
			}
			return rs.ID(), nil
		})
	}
	d.Default("default_warehouse_id", func(env *orm.Env) (any, error) {
		w, err := orm.First[stock.Warehouse](env.Sudo(), orm.Leaf("company_id", "=", env.Company()), "sequence, id")
		if err != nil || w == nil {
			return nil, err
		}
		return w.ID, nil
	})
	orm.Implement(d, GenerateAPIKey, generateAPIKey)
	orm.Implement(d, TestConnection, testConnection)
	orm.Implement(d, SyncNow, syncNow)
	orm.Implement(d, Doctor, examine)
	orm.Implement(d, GoLive, goLive)
	orm.Implement(d, Pause, pause)
	orm.Implement(d, FetchProducts, fetchProducts)
	orm.Implement(d, RegisterWebhooks, registerWebhooks)
	orm.Implement(d, ViewMapped, openRecordsAction("Mapped Products", "woo.product.map", orm.Leaf("state", "=", "mapped")))
	orm.Implement(d, ViewUnmapped, openRecordsAction("Unmapped Products", "woo.product.map", orm.Leaf("state", "!=", "mapped")))
	orm.Implement(d, ViewOrders, openRecordsAction("Orders", "woo.order", nil))
	orm.Implement(d, ViewErrors, openRecordsAction("Failed", "woo.sync.log", orm.Leaf("state", "=", "failed")))
	orm.ImplementModel(d, CronProducts, cronProducts)
	orm.ImplementModel(d, CronOrders, cronOrders)
	orm.ImplementModel(d, CronInventory, cronInventory)
	orm.ImplementModel(d, CronCustomers, cronCustomers)
	orm.ImplementModel(d, CronHealth, cronHealth)
	orm.ImplementModel(d, CronNotify, notifyInstances)
	orm.ImplementModel(d, CronWebhooks, cronWebhooks)
}

// policyChanged applies changed policies to orders that were read under the
// old ones: those of other statuses or dates are read again by the next poll,
// and those that are held are tried again now.
func policyChanged(rs orm.Records, v orm.Values) error {
	given := func(names ...string) bool {
		return slices.ContainsFunc(names, func(n string) bool { _, ok := v[n]; return ok })
	}
	if given("go_live") {
		if err := readAgain(rs); err != nil {
			return err
		}
	}
	if given("unknown_product", "placeholder_product_id", "shipping_product_id", "fee_product_id", "rounding_product_id", "rounding_tolerance", "fiscal_position_id", "marketplace_policy") {
		return retryHeld(rs.Env, rs.IDs)
	}
	return nil
}

// readAgain lets the next poll of instances read all orders, and take up those that are
// treated differently now.
func readAgain(instances orm.Records) error {
	return instances.Write(orm.Values{"order_cursor": nil})
}

// retryHeld imports orders of instances again that are held, that have a change which was
// not taken over, or that leave their goods to others of a marketplace: what was in the
// way may be mended.
func retryHeld(env *orm.Env, instances []int64) error {
	held, err := orm.Search[Order](env.Sudo(), orm.And(orm.Leaf("instance_id", "in", anyIDs(instances)),
		orm.Or(orm.Leaf("state", "=", OrderHeld), orm.Leaf("change_refused", "=", true), orm.And(orm.Leaf("state", "=", OrderReceived), orm.Leaf("state_class", "in", classesTaken)))), orm.SearchOptions{})
	if err != nil {
		return err
	}
	for _, o := range held {
		if err := queueOrder(env, o.InstanceID.ID, o.RemoteID, "mended", 0, "mended"); err != nil {
			return err
		}
	}
	return nil
}

// openRecordsAction makes a button that lists an instance's records of a model.
func openRecordsAction(name, model string, filter orm.Domain) orm.Action[Instance] {
	return func(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
		return map[string]any{"type": "ir.actions.act_window", "name": name, "res_model": model, "view_mode": "list,form",
			"domain": []any(orm.And(orm.Leaf("instance_id", "in", anyIDs(orm.IDs(env, recs))), filter))}, nil
	}
}

// tidyURL brings the store's address to one spelling, without a trailing slash.
func tidyURL(v orm.Values) orm.Values {
	s, ok := v["url"].(string)
	if !ok {
		return v
	}
	s = strings.TrimRight(strings.TrimSpace(s), "/")
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		u.Host = strings.ToLower(u.Host)
		u.Scheme = strings.ToLower(u.Scheme)
		s = u.String()
	}
	v = v.Clone()
	v["url"] = s
	return v
}

// countInstance counts with one grouped query a model, for all instances.
func countInstance(env *orm.Env, recs []*Instance) error {
	ids := anyIDs(orm.IDs(env, recs))
	count := func(model string, filter orm.Domain, set func(*Instance, int)) error {
		by, err := env.Model(model).CountBy("instance_id", orm.And(orm.Leaf("instance_id", "in", ids), filter))
		if err != nil {
			return err
		}
		for _, r := range recs {
			set(r, by[r.ID])
		}
		return nil
	}
	day := orm.DatetimeOf(env.Now().AddDate(0, 0, -1)).String()
	for _, c := range []struct {
		model  string
		filter orm.Domain
		set    func(*Instance, int)
	}{
		{"woo.product.map", orm.Leaf("state", "=", "mapped"), func(i *Instance, n int) { i.MappedCount.Set(n) }},
		{"woo.product.map", orm.Leaf("state", "in", []any{"unmapped", "conflict", "error"}), func(i *Instance, n int) { i.UnmappedCount.Set(n) }},
		{"woo.sync.log", orm.And(orm.Leaf("state", "=", "failed"), orm.Leaf("create_date", ">=", day)), func(i *Instance, n int) { i.ErrorCount.Set(n) }},
		{"woo.order", nil, func(i *Instance, n int) { i.OrderCount.Set(n) }},
		{"woo.order", orm.Leaf("state", "in", []any{"held", "error"}), func(i *Instance, n int) { i.HeldCount.Set(n) }},
	} {
		if err := count(c.model, c.filter, c.set); err != nil {
			return err
		}
	}
	return nil
}

func generateAPIKey(env *orm.Env, recs []*Instance, _ orm.Args) (any, error) {
	for _, r := range recs {
		key := make([]byte, 32)
		if _, err := rand.Read(key); err != nil {
			return nil, err
		}
		if err := orm.RecordsOf(env.Sudo(), r).Write(orm.Values{"odoo_api_key": base64.RawURLEncoding.EncodeToString(key)}); err != nil {
			return nil, err
		}
	}
	return notify("success", "API Key", "A new key is stored. The plugin of the store is answered once it presents it; the one before is no longer valid."), nil
}

// notify is a message shown to who pressed a button.
func notify(kind, title, text string) map[string]any {
	return map[string]any{"type": "ir.actions.client", "tag": "display_notification",
		"params": map[string]any{"type": kind, "title": title, "message": text, "sticky": kind != "success"}}
}
