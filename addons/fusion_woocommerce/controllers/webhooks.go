// Package controllers answers what stores and their plugins send to the addon
// fusion_woocommerce, and searches of its users. It is given what the addon does with
// them, which so can list these routes in its manifest.
package controllers

import (
	"net/http"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

// maxWebhook is the largest delivery accepted, in bytes.
const maxWebhook = 8 << 20

// LimitParameter is the system parameter with the number of requests without a valid
// signature that are answered a minute from one address. Signed deliveries are not
// counted here: a store gives its webhooks up when they are refused.
const LimitParameter = "fusion_woocommerce.webhooks_per_minute"

const defaultLimit = 100

// Receiver takes a signed delivery in. It reports false when no store signs with
// the secret that signed the raw bytes. within counts under a key and reports whether
// there have been no more than perMinute.
type Receiver func(env *orm.Env, header http.Header, raw []byte, within func(key string, perMinute int) bool) (accepted bool, err error)

// Routes are the addresses of the webhooks.
func Routes(receive Receiver) []route.Route {
	var out []route.Route
	for _, resource := range []string{"order", "product", "customer"} {
		out = append(out, route.Route{Path: "/woo/webhook/" + resource, Methods: []string{"POST"}, Access: route.None, NoCSRF: true, MaxBody: maxWebhook, Handler: webhook(receive)})
	}
	return out
}

// webhook stores a signed delivery and answers at once; the work is a job. The
// signature over the raw bytes decides which instance it is for.
func webhook(receive Receiver) route.Handler {
	return func(env *orm.Env, r *route.Request) (*route.Answer, error) {
		if r.Header.Get(wcapi.HeaderSignature) != "" {
			ok, err := receive(env, r.Header, r.Body, r.Limit)
			if err != nil {
				return nil, err
			}
			if ok {
				return route.Text(http.StatusOK, "ok"), nil
			}
		}
		limit, err := number(env, LimitParameter, defaultLimit)
		if err != nil {
			return nil, err
		}
		if !r.Limit("webhook|"+r.Address, limit) {
			return nil, route.Errorf(http.StatusTooManyRequests, "At most %d requests a minute without a valid signature are accepted from one address.", limit)
		}
		if _, ok := wcapi.IsPing(r.Header, r.Body); ok {
			return route.Text(http.StatusOK, "pong"), nil
		}
		// An answer and no error, so that what was noted of the delivery is kept.
		return route.Text(http.StatusUnauthorized, "No connected store signs with this secret."), nil
	}
}
