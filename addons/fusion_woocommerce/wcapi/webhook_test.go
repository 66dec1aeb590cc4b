package wcapi

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

type recordedDelivery struct {
	Name    string            `json:"name"`
	Headers map[string]string `json:"headers"`
	Secret  string            `json:"secret"`
	Body    string            `json:"body"`
}

func (d *recordedDelivery) header() http.Header {
	h := http.Header{}
	for k, v := range d.Headers {
		h.Set(k, v)
	}
	return h
}

func TestRecordedDeliveries(t *testing.T) {
	t.Parallel()
	all, err := readLines[recordedDelivery]("testdata/webhooks.jsonl.gz")
	if err != nil {
		t.Fatal(err)
	}
	kinds := map[DeliveryKind]int{}
	signed := 0
	for _, rec := range all {
		d, err := ParseDelivery(rec.header(), []byte(rec.Body))
		if err != nil {
			t.Errorf("%s: %v", rec.Name, err)
			continue
		}
		kinds[d.Kind]++
		if strings.HasSuffix(rec.Name, "-ping") {
			if d.Kind != DeliveryPing || d.WebhookID == 0 {
				t.Errorf("%s: %+v is no ping", rec.Name, d)
			}
			continue
		}
		if topic := rec.Name[4:]; d.Topic != topic && !strings.Contains(topic, "-") {
			t.Errorf("%s: topic %q", rec.Name, d.Topic)
		}
		if !VerifySignature(rec.Secret, []byte(rec.Body), d.Signature) {
			t.Errorf("%s: the signature does not verify", rec.Name)
		}
		signed++
		for _, wrong := range []struct{ secret, body, sig string }{
			{rec.Secret + "x", rec.Body, d.Signature},
			{rec.Secret, rec.Body + " ", d.Signature},
			{rec.Secret, rec.Body, ""},
			{rec.Secret, rec.Body, "AAAA" + d.Signature[4:]},
			{"", rec.Body, Sign("", []byte(rec.Body))},
		} {
			if VerifySignature(wrong.secret, []byte(wrong.body), wrong.sig) {
				t.Errorf("%s: a wrong signature verifies", rec.Name)
			}
		}
		if Sign(rec.Secret, []byte(rec.Body)) != d.Signature {
			t.Errorf("%s: signing gives another signature", rec.Name)
		}
		switch d.Kind {
		case DeliveryError:
			if d.Failure.Code == "" || d.Failure.Status < 400 {
				t.Errorf("%s: failure %+v", rec.Name, d.Failure)
			}
		case DeliveryAction:
			if d.ObjectID == 0 || d.Action == "" {
				t.Errorf("%s: action %+v", rec.Name, d)
			}
		case DeliveryObject, DeliveryDeleted:
			if d.ObjectID == 0 || d.WebhookID == 0 || d.DeliveryID == "" || d.Source == "" {
				t.Errorf("%s: %+v", rec.Name, d)
			}
			if (d.Kind == DeliveryDeleted) != (d.Event == "deleted") {
				t.Errorf("%s: kind %s", rec.Name, d.Kind)
			}
		}
	}
	if len(all) != 152 || signed != 133 || kinds[DeliveryPing] != 19 || kinds[DeliveryError] < 5 || kinds[DeliveryDeleted] == 0 || kinds[DeliveryAction] == 0 {
		t.Errorf("%d deliveries, %d signed, kinds %v", len(all), signed, kinds)
	}
	t.Log(kinds)
}

func TestSecretIsDecodedLikeWordPressDoes(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"a&amp;b&lt;c&gt;d&quot;e&#039;f": `a&b<c>d"e'f`,
		"&#39;&#x27;&#038;&#x3C;&eacute;": `''&&#x3C;&eacute;`,
		"&amp;lt;":                        "&lt;", // once
		"a&b; plain é 🔑":                  "a&b; plain é 🔑",
	} {
		if got := decodeSecret(in); got != want {
			t.Errorf("decodeSecret(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestOddDeliveries(t *testing.T) {
	t.Parallel()
	head := func(topic string) http.Header {
		h := http.Header{}
		h.Set(HeaderTopic, topic)
		h.Set(HeaderSignature, "x")
		return h
	}
	d, err := ParseDelivery(head("product.updated"), []byte(`{"id":7,"code":"summer","discount_type":"percent"}`))
	if err != nil || d.Kind != DeliveryStray || d.ObjectID != 7 {
		t.Errorf("a coupon under a product's topic: %+v, %v", d, err)
	}
	d, err = ParseDelivery(head("coupon.updated"), []byte(`{"id":7,"code":"summer","discount_type":"percent"}`))
	if err != nil || d.Kind != DeliveryObject {
		t.Errorf("a coupon: %+v, %v", d, err)
	}
	for _, tc := range []struct {
		h    http.Header
		body string
	}{
		{http.Header{}, `{"id":1}`},
		{http.Header{}, "webhook_id=abc"},
		{http.Header{}, "webhook_id=1&x=2"},
		{head("order.updated"), ""},
		{head("order.updated"), "webhook_id=5"},
		{head("order.updated"), `{"id":`},
		{head("order.updated"), `[1]`},
		{head("order.updated"), `{}`},
		{head("order"), `{"id":1}`},
		{func() http.Header { h := head("order.updated"); h.Set(HeaderResource, "product"); return h }(), `{"id":1}`},
	} {
		if d, err := ParseDelivery(tc.h, []byte(tc.body)); !errors.Is(err, ErrInvalid) {
			t.Errorf("%v %q: %+v, %v", tc.h, tc.body, d, err)
		}
	}
}

func FuzzParseDelivery(f *testing.F) {
	f.Add("order.updated", `{"id":7,"parent_id":"","line_items":[],"billing":{},"date_modified_gmt":null}`)
	f.Add("action.woocommerce_order_refunded", `{"action":"woocommerce_order_refunded","arg":12}`)
	f.Add("order.created", `{"code":"x","message":"no","data":{"status":404}}`)
	f.Add("product.updated", "<b>Warning</b>: x [y] {\n{\"id\":1}")
	f.Add("", "webhook_id=7")
	f.Fuzz(func(t *testing.T, topic, body string) {
		h := http.Header{}
		h.Set(HeaderTopic, topic)
		h.Set(HeaderSignature, Sign("s", []byte(body)))
		d, err := ParseDelivery(h, []byte(body))
		if err == nil && d.Kind == "" {
			t.Errorf("no kind: %+v", d)
		}
		if !VerifySignature("s", []byte(body), h.Get(HeaderSignature)) {
			t.Error("the own signature does not verify")
		}
	})
}
