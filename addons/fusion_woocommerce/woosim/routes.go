package woosim

import (
	"net/http"

	"github.com/gorilla/mux"
)

// routeHandler carries a route's methods through the router; the work is done
// in dispatch, under the store's lock.
type routeHandler struct {
	perm    string
	methods methods
}

func (routeHandler) ServeHTTP(http.ResponseWriter, *http.Request) {}

var force = arg{name: "force", kind: "bool"}

func (s *Sim) routes() *mux.Router {
	r := mux.NewRouter()
	at := func(path string, m methods) {
		if w, found := m["WRITE"]; found {
			delete(m, "WRITE")
			m["POST"], m["PUT"], m["PATCH"] = w, w, w
		}
		perm := "manage"
		if m["GET"].perm == "open" {
			perm = "open"
		}
		r.Handle("/wp-json"+path, routeHandler{perm, m})
	}
	open := func(f func(*rq) (*response, error)) methods { return methods{"GET": {"open", nil, f}} }
	list := func(f func(*rq) (*response, error), args ...arg) handler { return handler{"list", args, f} }
	view := func(f func(*rq) (*response, error), args ...arg) handler { return handler{"view", args, f} }
	create := func(f func(*rq) (*response, error), args ...arg) handler { return handler{"create", args, f} }
	edit := func(f func(*rq) (*response, error), args ...arg) handler { return handler{"edit", args, f} }
	remove := func(f func(*rq) (*response, error)) handler { return handler{"delete", []arg{force}, f} }
	batch := func(f func(*rq) (*response, error)) methods { return methods{"WRITE": {"batch", nil, f}} }
	const v3 = "/wc/v3"

	at("/", open((*rq).siteIndex))
	at(v3, open((*rq).namespaceIndex))

	at(v3+"/products", methods{"GET": list((*rq).listProducts, productListArgs()...), "POST": create((*rq).createProduct, productWriteArgs()...)})
	at(v3+"/products/batch", batch((*rq).batchProducts))
	at(v3+"/products/categories", methods{"GET": list(func(q *rq) (*response, error) { return q.terms(q.s.st.categories.rows) }, listArgs()...), "POST": create((*rq).createCategory)})
	at(v3+"/products/categories/{id:[0-9]+}", methods{"GET": view(func(q *rq) (*response, error) { return q.term(q.s.st.categories) })})
	at(v3+"/products/tags", methods{"GET": list(func(q *rq) (*response, error) { return q.terms(q.s.st.tags.rows) }, listArgs()...), "POST": create((*rq).createTag)})
	at(v3+"/products/tags/{id:[0-9]+}", methods{"GET": view(func(q *rq) (*response, error) { return q.term(q.s.st.tags) })})
	at(v3+"/products/shipping_classes", methods{"GET": list(func(q *rq) (*response, error) { return q.terms(q.s.st.shippingClasses.rows) }, listArgs()...), "POST": create((*rq).createShippingClass)})
	at(v3+"/products/shipping_classes/{id:[0-9]+}", methods{"GET": view(func(q *rq) (*response, error) { return q.term(q.s.st.shippingClasses) })})
	at(v3+"/products/attributes", methods{"GET": list((*rq).listAttributes), "POST": create((*rq).createAttribute)})
	at(v3+"/products/attributes/{id:[0-9]+}", methods{"GET": view((*rq).getAttribute)})
	at(v3+"/products/attributes/{attribute:[0-9]+}/terms", methods{"GET": list((*rq).listTerms, listArgs()...), "POST": create((*rq).createTerm)})
	at(v3+"/products/attributes/{attribute:[0-9]+}/terms/{id:[0-9]+}", methods{"GET": view((*rq).getTerm)})
	at(v3+"/products/reviews", methods{"GET": list(func(q *rq) (*response, error) { return q.page(q.s.st.reviews) }), "POST": create((*rq).unsupported)})
	at(v3+"/products/{id:[0-9]+}", methods{"GET": view((*rq).getProduct), "WRITE": edit((*rq).updateProduct, productWriteArgs()...), "DELETE": remove((*rq).deleteProduct)})
	at(v3+"/products/{id:[0-9]+}/duplicate", methods{"POST": create((*rq).duplicateProduct)})
	at(v3+"/products/{product:[0-9]+}/variations", methods{"GET": list((*rq).listVariations, listArgs(orderby("date", "id", "include", "title", "slug", "modified", "menu_order"))...), "POST": create((*rq).createVariation, variationWriteArgs()...)})
	at(v3+"/products/{product:[0-9]+}/variations/batch", batch((*rq).batchVariations))
	at(v3+"/products/{product:[0-9]+}/variations/{id:[0-9]+}", methods{"GET": view((*rq).getVariation), "WRITE": edit((*rq).updateVariation, variationWriteArgs()...), "DELETE": remove((*rq).deleteVariation)})

	for _, v := range []string{v3, "/wc/v2"} {
		at(v+"/orders", methods{"GET": list((*rq).listOrders, orderListArgs()...), "POST": create((*rq).createOrder, orderWriteArgs()...)})
		at(v+"/orders/{id:[0-9]+}", methods{"GET": view((*rq).getOrder, arg{name: "dp", kind: "int"}), "WRITE": edit((*rq).updateOrder, orderWriteArgs()...), "DELETE": remove((*rq).deleteOrder)})
	}
	at("/wc/v1/orders/{id:[0-9]+}", methods{"GET": view((*rq).orderV1), "WRITE": edit((*rq).unsupported), "DELETE": remove((*rq).unsupported)})
	at(v3+"/orders/batch", batch((*rq).batchOrders))
	at(v3+"/orders/{order:[0-9]+}/notes", methods{"GET": list((*rq).listNotes), "POST": create((*rq).createNote)})
	at(v3+"/orders/{order:[0-9]+}/notes/{id:[0-9]+}", methods{"GET": view((*rq).getNote), "DELETE": remove((*rq).deleteNote)})
	at(v3+"/orders/{order:[0-9]+}/refunds", methods{"GET": list((*rq).listRefunds, listArgs()...), "POST": create((*rq).createRefund, arg{name: "amount", kind: "string"})})
	at(v3+"/orders/{order:[0-9]+}/refunds/{id:[0-9]+}", methods{"GET": view((*rq).getRefund), "DELETE": remove((*rq).deleteRefund)})
	if s.opt.Fulfillments {
		at(v3+"/orders/{order:[0-9]+}/fulfillments", methods{"GET": list((*rq).listFulfillments), "POST": create((*rq).createFulfillment)})
		at(v3+"/orders/{order:[0-9]+}/fulfillments/{parcel:[0-9]+}", methods{"WRITE": edit((*rq).updateFulfillment), "DELETE": remove((*rq).deleteFulfillment)})
	}
	if s.opt.Trackings {
		const tracking = "/wc-shipment-tracking/v3/orders/{order:[0-9]+}/shipment-trackings"
		at(tracking, methods{"GET": list((*rq).listTrackings), "POST": create((*rq).createTracking)})
		at(tracking+"/{parcel:[a-z0-9]+}", methods{"DELETE": remove((*rq).deleteTracking)})
	}
	at(v3+"/refunds", methods{"GET": list((*rq).listAllRefunds, listArgs()...)})

	at(v3+"/customers", methods{"GET": list((*rq).listCustomers, customerListArgs()...), "POST": create((*rq).createCustomer, customerWriteArgs(true)...)})
	at(v3+"/customers/batch", batch((*rq).batchCustomers))
	at(v3+"/customers/{id:[0-9]+}", methods{"GET": view((*rq).getCustomer), "WRITE": edit((*rq).updateCustomer, customerWriteArgs(false)...), "DELETE": remove((*rq).deleteCustomer)})
	at(v3+"/customers/{id:[0-9]+}/downloads", methods{"GET": view(func(q *rq) (*response, error) { return ok([]any{}), nil })})

	at(v3+"/coupons", methods{"GET": list((*rq).listCoupons, listArgs()...), "POST": create((*rq).createCoupon, couponWriteArgs()...)})
	at(v3+"/coupons/{id:[0-9]+}", methods{"GET": view((*rq).getCoupon), "WRITE": edit((*rq).updateCoupon, couponWriteArgs()...), "DELETE": remove((*rq).deleteCoupon)})
	at(v3+"/taxes", methods{"GET": list((*rq).listTaxes, listArgs()...), "POST": create((*rq).createTax)})
	at(v3+"/taxes/classes", methods{"GET": list((*rq).listTaxClasses), "POST": create((*rq).createTaxClass)})
	at(v3+"/taxes/classes/{slug:[a-zA-Z0-9_-]+}", methods{"GET": view((*rq).getTaxClass), "DELETE": remove((*rq).deleteTaxClass)})
	at(v3+"/taxes/{id:[0-9]+}", methods{"GET": view((*rq).getTax), "WRITE": edit((*rq).updateTax), "DELETE": remove((*rq).deleteTax)})
	at(v3+"/settings", methods{"GET": list((*rq).listSettingGroups)})
	at(v3+"/settings/{group:[a-zA-Z0-9_-]+}", methods{"GET": list((*rq).listSettings)})
	at(v3+"/settings/{group:[a-zA-Z0-9_-]+}/{setting:[a-zA-Z0-9_-]+}", methods{"GET": view((*rq).getSetting), "WRITE": edit((*rq).updateSetting)})
	at(v3+"/shipping/zones", methods{"GET": list((*rq).listZones), "POST": create((*rq).unsupported)})
	part := (*rq)(nil).zonePart
	at(v3+"/shipping/zones/{id:[0-9]+}", methods{"GET": view(part("zone")), "WRITE": edit((*rq).unsupported), "DELETE": remove((*rq).unsupported)})
	at(v3+"/shipping/zones/{id:[0-9]+}/locations", methods{"GET": view(part("locations")), "WRITE": edit((*rq).unsupported)})
	at(v3+"/shipping/zones/{id:[0-9]+}/methods", methods{"GET": view(part("methods")), "POST": create((*rq).unsupported)})
	at(v3+"/shipping_methods", methods{"GET": list((*rq).listShippingMethods)})
	at(v3+"/payment_gateways", methods{"GET": list((*rq).listGateways)})
	at(v3+"/payment_gateways/{gateway:[a-zA-Z0-9_-]+}", methods{"GET": view((*rq).getGateway), "WRITE": edit((*rq).unsupported)})
	at(v3+"/data/currencies", methods{"GET": list((*rq).listCurrencies)})
	at(v3+"/data/currencies/{code:[a-zA-Z]+}", methods{"GET": view((*rq).getCurrency)})
	at(v3+"/system_status", methods{"GET": list((*rq).getStatus)})
	at(v3+"/reports/orders/totals", methods{"GET": list((*rq).orderTotals)})
	at(v3+"/reports/products/totals", methods{"GET": list((*rq).productTotals)})
	at(v3+"/reports/customers/totals", methods{"GET": list((*rq).customerTotals)})

	at(v3+"/webhooks", methods{"GET": list((*rq).listWebhooks, listArgs()...), "POST": create((*rq).createWebhook, webhookWriteArgs(true)...)})
	at(v3+"/webhooks/batch", batch((*rq).batchWebhooks))
	at(v3+"/webhooks/{id:[0-9]+}", methods{"GET": view((*rq).getWebhook), "WRITE": edit((*rq).updateWebhook, webhookWriteArgs(false)...), "DELETE": remove((*rq).deleteWebhook)})
	return r
}

// unsupported answers for writes this store does not know how to do.
func (q *rq) unsupported() (*response, error) {
	return nil, fail(501, "woosim_not_supported", "This simulated store does not carry out "+q.r.Method+" "+q.route+".")
}

func (q *rq) orderV1() (*response, error) {
	if q.s.opt.HPOS {
		return nil, fail(404, "woocommerce_rest_invalid_shop_order_id", "Invalid ID.")
	}
	return q.unsupported()
}
