// Package controllers answers what stores and their plugin send to the addon
// fusion_woocommerce.
package controllers

import (
	"net/http"
	"strconv"

	woocommerce "fusionsoft.ca/fusion/addons/fusion_woocommerce"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

// maxWebhook is the largest delivery accepted, in bytes.
const maxWebhook = 8 << 20

// LimitParameter is the system parameter with the number of webhooks accepted
// a minute from one address.
const LimitParameter = "fusion_woocommerce.webhooks_per_minute"

const defaultLimit = 100

// Mount adds the addon's routes to a server.
func Mount(s *server.Server) {
	for _, resource := range []string{"order", "product", "customer"} {
		s.Handle(server.Route{Path: "/woo/webhook/" + resource, Methods: []string{"POST"}, Access: server.NoAccess, NoCSRF: true, MaxBody: maxWebhook, Handler: webhook})
	}
}

// webhook stores a signed delivery and answers at once; the work is a job. The
// signature over the raw bytes decides which instance it is for.
func webhook(c *server.Context) error {
	limit, err := limit(c.Env)
	if err != nil {
		return err
	}
	if !c.Server.Allow("webhook|"+c.Server.ClientIP(c.Request), limit) {
		return server.Errorf(http.StatusTooManyRequests, "At most %d webhooks a minute are accepted from one address.", limit)
	}
	if _, ok := wcapi.IsPing(c.Request.Header, c.Body); ok {
		return c.Send(http.StatusOK, "text/plain; charset=utf-8", []byte("pong"))
	}
	ok, err := woocommerce.Receive(c.Env, c.Request.Header, c.Body)
	if err != nil {
		return err
	}
	if !ok {
		return server.Errorf(http.StatusUnauthorized, "No connected store signs with this secret.")
	}
	return c.Send(http.StatusOK, "text/plain; charset=utf-8", []byte("ok"))
}

func limit(env *orm.Env) (int, error) {
	rs, err := env.Model("ir.config_parameter").Search(orm.Leaf("key", "=", LimitParameter), orm.SearchOptions{Limit: 1})
	if err != nil || rs.Len() == 0 {
		return defaultLimit, err
	}
	v, err := rs.Value("value")
	if s, ok := v.(string); ok && err == nil {
		if n, err := strconv.Atoi(s); err == nil && n > 0 {
			return n, nil
		}
	}
	return defaultLimit, err
}
