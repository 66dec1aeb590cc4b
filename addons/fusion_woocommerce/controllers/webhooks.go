// Package controllers answers what stores and their plugin send to the addon
// fusion_woocommerce. It is given what the addon does with it, which so can list
// these routes in its manifest.
package controllers

import (
	"net/http"
	"strconv"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

// maxWebhook is the largest delivery accepted, in bytes.
const maxWebhook = 8 << 20

// LimitParameter is the system parameter with the number of webhooks accepted
// a minute from one address.
const LimitParameter = "fusion_woocommerce.webhooks_per_minute"

const defaultLimit = 100

// Receiver takes a signed delivery in. It reports false when no store signs with
// the secret that signed the raw bytes.
type Receiver func(env *orm.Env, header http.Header, raw []byte) (accepted bool, err error)

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
		limit, err := limit(env)
		if err != nil {
			return nil, err
		}
		if !r.Limit("webhook|"+r.Address, limit) {
			return nil, route.Errorf(http.StatusTooManyRequests, "At most %d webhooks a minute are accepted from one address.", limit)
		}
		if _, ok := wcapi.IsPing(r.Header, r.Body); ok {
			return route.Text(http.StatusOK, "pong"), nil
		}
		ok, err := receive(env, r.Header, r.Body)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, route.Errorf(http.StatusUnauthorized, "No connected store signs with this secret.")
		}
		return route.Text(http.StatusOK, "ok"), nil
	}
}

func limit(env *orm.Env) (int, error) {
	s, _, err := base.GetParam(env, LimitParameter)
	if n, bad := strconv.Atoi(s); bad == nil && n > 0 {
		return n, err
	}
	return defaultLimit, err
}
