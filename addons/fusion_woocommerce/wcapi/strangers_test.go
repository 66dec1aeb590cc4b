package wcapi

import (
	"context"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// An address may be anything that answers to HTTP. Until it has shown to be a
// store, nothing that it says gets into an error.
func TestStrangersAreNotQuoted(t *testing.T) {
	t.Parallel()
	const told = "payroll"
	page := "<html><title>" + told + "</title><h1>" + told + "</h1>" + told
	for name, answers := range map[string]transport{
		"page":        jsonAnswer(200, page),
		"page 404":    jsonAnswer(404, page),
		"page 403":    jsonAnswer(403, page),
		"page 500":    jsonAnswer(500, page),
		"text":        jsonAnswer(200, told),
		"text 401":    jsonAnswer(401, told),
		"json":        jsonAnswer(200, `{"name":"`+told+`"}`),
		"wrong json":  jsonAnswer(200, `{"name":{"`+told+`":1},"namespaces":"`+told+`"}`),
		"list":        jsonAnswer(200, `["`+told+`"]`),
		"error":       jsonAnswer(400, `{"code":"`+told+`","message":"`+told+`","data":{"status":400,"params":{"`+told+`":"`+told+`"}}}`),
		"coded error": jsonAnswer(404, `{"code":"rest_no_route","message":"`+told+`","data":{"status":404}}`),
		"redirect": func(r *http.Request) (*http.Response, error) {
			return answer(r, 302, map[string]string{"Location": "https://" + told + ".internal/" + told}, nil), nil
		},
		"redirect back": func(r *http.Request) (*http.Response, error) {
			return answer(r, 302, map[string]string{"Location": "https://shop.example/" + told}, nil), nil
		},
		"no http": func(*http.Request) (*http.Response, error) {
			return nil, errors.New(`net/http: malformed HTTP response "220 ` + told + `"`)
		},
		"certificate": func(*http.Request) (*http.Response, error) {
			return nil, x509.HostnameError{Certificate: &x509.Certificate{DNSNames: []string{told}}, Host: "shop.example"}
		},
		"resolver": func(*http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: told, Name: "shop.example", Server: told}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := Config{BaseURL: "https://shop.example", ConsumerKey: testKey, ConsumerSecret: testSecret, Transport: answers, Tries: 1,
				Sleep: func(context.Context, time.Duration) error { return nil }}
			_, probed := Probe(t.Context(), cfg)
			c, err := New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, asked := c.Do(t.Context(), Request{Method: http.MethodGet, Path: "products"})
			for _, err := range []error{probed, asked} {
				if err != nil && strings.Contains(err.Error(), told) {
					t.Errorf("%v", err)
				}
			}
			if probed == nil {
				t.Error("taken for a store")
			}
		})
	}
}

// What a proven store says helps, and is told.
func TestProvenStoresAreQuoted(t *testing.T) {
	t.Parallel()
	c, _ := testClient(t, jsonAnswer(400, `{"code":"product_invalid_sku","message":"The SKU is taken.","data":{"status":400}}`))
	if _, err := c.Product(t.Context(), 1); err == nil || !strings.Contains(err.Error(), "The SKU is taken.") {
		t.Error(err)
	}
}

// A webhook's secret goes where nobody on the way can read it.
func TestSecretsOverPlainHTTP(t *testing.T) {
	t.Parallel()
	for url, allowed := range map[string]bool{"https://shop.example": true, "http://127.0.0.1:81": true, "http://[::1]": true, "http://localhost:8080": true,
		"http://shop.example": false, "http://10.0.0.5": false, "http://localhost.example": false, "http://127.0.0.1.example": false} {
		sent := 0
		c, _ := testClient(t, func(r *http.Request) (*http.Response, error) { sent++; return jsonAnswer(200, `{"id":1}`)(r) }, func(c *Config) { c.BaseURL = url })
		_, err := c.CreateWebhook(t.Context(), WebhookPatch{Topic: "order.created", Secret: "s"})
		if (err == nil) != allowed || (sent == 1) != allowed {
			t.Errorf("%s, made: %v, %d sent", url, err, sent)
		}
		if _, err := c.UpdateWebhook(t.Context(), 1, WebhookPatch{Topic: "order.created", Secret: "s"}); (err == nil) != allowed {
			t.Errorf("%s, changed: %v", url, err)
		}
		if _, err := c.UpdateWebhook(t.Context(), 1, WebhookPatch{Status: "active"}); err != nil {
			t.Errorf("%s, without a secret: %v", url, err)
		}
	}
}
