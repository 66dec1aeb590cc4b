package woocommerce

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/addons/sale_stock"
	"fusionsoft.ca/fusion/addons/stock"
	"fusionsoft.ca/fusion/framework/orm"
)

// documentLife is how long the address of a document is valid.
const documentLife = time.Minute

// The types of documents.
const (
	documentInvoice  = "invoice"
	documentCredit   = "credit_note"
	documentDelivery = "delivery_slip"
	documentReturn   = "return_slip"
)

// The states of documents.
const (
	documentCurrent    = "current"
	documentSuperseded = "superseded" // set back to draft: another version will come
	documentWithdrawn  = "withdrawn"  // cancelled
)

// document is a document of an order. One that is not current has no address.
type document struct {
	ID      string      `json:"id"`
	Type    string      `json:"type"`
	Name    string      `json:"name"`
	Date    string      `json:"date"`
	Total   *amountTold `json:"total"`
	State   string      `json:"state"`
	Version string      `json:"version"` // digest of its content
	URL     string      `json:"url"`
	Expires string      `json:"expires"`

	record  int64
	content []byte
}

func orderDocuments(env *orm.Env, c *controllers.Call) (any, error) {
	o, s, err := calledOrder(env, c)
	if err != nil {
		return nil, err
	}
	list, err := documentsOf(env, o, s)
	if err != nil {
		return nil, err
	}
	address, _, err := base.GetParam(env, "web.base.url")
	if err != nil {
		return nil, err
	}
	key, err := documentKey(env, o.InstanceID.Rec())
	if err != nil {
		return nil, err
	}
	until := env.Now().Add(documentLife)
	for _, d := range list {
		if d.State != documentCurrent {
			continue
		}
		if err := d.print(env); err != nil {
			return nil, err
		}
		d.URL = strings.TrimRight(address, "/") + "/woo/api/document/" + ticket{c.Instance, c.Order, d.ID, d.Version, until.Unix()}.seal(key)
		d.Expires = isoTime(orm.DatetimeOf(until))
	}
	return map[string]any{"documents": list}, nil
}

// documentsOf are the documents of an order that its customer may have: what was
// posted or carried out once.
func documentsOf(env *orm.Env, o *Order, s *sale_stock.Order) ([]*document, error) {
	out := []*document{}
	if !o.InstanceID.Rec().SyncInvoices {
		return nil, controllers.Faultf(http.StatusForbidden, "not_enabled", "Sync Invoices is off for this store, so its documents are not given out.")
	}
	moves, err := invoicesOf(env, o, s)
	if err != nil {
		return nil, err
	}
	for _, m := range moves {
		if m.State != account.MovePosted && !m.PostedBefore {
			continue
		}
		d := &document{ID: documentInvoice + "-" + itoa(m.ID), Type: documentInvoice, Name: m.Name, Date: m.InvoiceDate.String(), Total: amountOf(m), State: documentCurrent, record: m.ID}
		if m.IsRefund() {
			d.Type = documentCredit
		}
		switch m.State {
		case account.MoveDraft:
			d.State = documentSuperseded
		case account.MoveCancelled:
			d.State = documentWithdrawn
		}
		out = append(out, d)
	}
	if s == nil {
		return out, nil
	}
	transfers, err := orm.Search[sale_stock.Picking](env, orm.And(orm.Leaf("sale_id", "=", s.ID), orm.Leaf("state", "=", stock.PickingDone)), orm.SearchOptions{Order: "id"})
	if err != nil {
		return nil, err
	}
	for _, p := range transfers {
		d := &document{ID: "transfer-" + itoa(p.ID), Type: documentDelivery, Name: p.Name, Date: orm.DateOf(p.DateDone.Time()).String(), State: documentCurrent, record: p.ID}
		switch p.TypeCode {
		case "outgoing":
		case "incoming":
			d.Type = documentReturn
		default: // goods on their way through the warehouse
			continue
		}
		out = append(out, d)
	}
	return out, nil
}

// print makes the content of a document, which names its version: equal documents
// have equal bytes.
func (d *document) print(env *orm.Env) (err error) {
	switch d.Type {
	case documentInvoice, documentCredit:
		d.content, err = account.InvoicePDF(env, d.record)
	default:
		d.content, err = stock.DeliverySlip(env, d.record)
	}
	sum := sha256.Sum256(d.content)
	d.Version = hex.EncodeToString(sum[:16])
	return err
}

// documentKey is the key with which an instance signs addresses of documents.
func documentKey(env *orm.Env, inst *Instance) ([]byte, error) {
	if inst.DocumentKey == "" {
		inst.DocumentKey = orm.Secret(rand.Text())
		if err := orm.Save(env, []*Instance{inst}, "document_key"); err != nil {
			return nil, err
		}
	}
	return []byte(inst.DocumentKey.Reveal()), nil
}

// ticket is what the address of a document says.
type ticket struct {
	Instance int64  `json:"i"`
	Order    int64  `json:"o"`
	Document string `json:"d"`
	Version  string `json:"v"`
	Until    int64  `json:"u"`
}

func (t ticket) seal(key []byte) string {
	body, _ := json.Marshal(t) // numbers and texts always can be
	return base64.RawURLEncoding.EncodeToString(body) + "." + base64.RawURLEncoding.EncodeToString(sign(key, body))
}

func sign(key, body []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(body)
	return mac.Sum(nil)
}

// readTicket takes a token apart. What the ticket says counts only once its signature
// is that of its instance's key.
func readTicket(token string) (t ticket, signed func(key []byte) bool, ok bool) {
	first, second, _ := strings.Cut(token, ".")
	body, err := base64.RawURLEncoding.DecodeString(first)
	mac, bad := base64.RawURLEncoding.DecodeString(second)
	if err != nil || bad != nil || json.Unmarshal(body, &t) != nil {
		return t, nil, false
	}
	return t, func(key []byte) bool { return len(key) > 0 && hmac.Equal(mac, sign(key, body)) }, true
}

// openDocument gives out the document of a token, if it is still what it was when the
// token was made.
func openDocument(env *orm.Env, token string) (*controllers.File, error) {
	unknown := controllers.Faultf(http.StatusNotFound, "not_found", "There is no such document.")
	t, signed, ok := readTicket(token)
	if !ok {
		return nil, unknown
	}
	inst, err := orm.First[Instance](env, orm.Leaf("id", "=", t.Instance), "")
	if err != nil {
		return nil, err
	}
	if inst == nil || !signed([]byte(inst.DocumentKey.Reveal())) {
		return nil, unknown
	}
	if env.Now().Unix() > t.Until {
		return nil, controllers.Faultf(http.StatusGone, "expired", "The address of the document has expired. Open the document from your order again.")
	}
	o, s, err := calledOrder(env, &controllers.Call{Instance: t.Instance, Order: t.Order})
	if err != nil {
		return nil, err
	}
	list, err := documentsOf(env, o, s)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(list, func(d *document) bool { return d.ID == t.Document && d.State == documentCurrent })
	if i < 0 {
		return nil, controllers.Faultf(http.StatusGone, "withdrawn", "The document has been withdrawn. Open your order again.")
	}
	d := list[i]
	if err := d.print(env); err != nil {
		return nil, err
	}
	if d.Version != t.Version {
		return nil, controllers.Faultf(http.StatusGone, "superseded", "The document has changed since. Open it from your order again.")
	}
	return &controllers.File{Name: strings.ReplaceAll(d.Name, "/", "-") + ".pdf", Content: d.content}, nil
}
