package woocommerce

import (
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/controllers"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
)

const (
	maxQuery  = 200 // characters
	maxFound  = 100 // records in one answer
	usualSize = 20
	// deepest is how far an offset reaches: nobody reads on for so long, and what comes
	// before it has to be found each time.
	deepest = 1000
	// indexed is the shortest text that an index finds anywhere in another; shorter ones
	// are looked for at the beginning only.
	indexed = 3
)

// search is a search of products as somebody types.
type search struct {
	Instance  int64  `json:"instance_id"`
	Query     string `json:"query"`
	Limit     int    `json:"limit"`
	Offset    int    `json:"offset"`
	Unmatched bool   `json:"unmatched"` // of the store's products only those not mapped yet
}

// searchOf reads a search of a user who may use the addon, and the instance it is for
// if he may read that.
func searchOf(env *orm.Env, c *controllers.Call) (*search, *Instance, error) {
	s := &search{Limit: usualSize}
	if err := c.Decode(s); err != nil {
		return nil, nil, err
	}
	s.Query = strings.TrimSpace(printable(s.Query))
	switch {
	case s.Limit < 1 || s.Limit > maxFound:
		return nil, nil, controllers.Faultf(http.StatusBadRequest, "invalid_params", "limit must be from 1 to %d.", maxFound)
	case s.Offset < 0 || s.Offset > deepest:
		return nil, nil, controllers.Faultf(http.StatusBadRequest, "invalid_params", "offset must be from 0 to %d. Search for more of the name.", deepest)
	case utf8.RuneCountInString(s.Query) > maxQuery:
		return nil, nil, controllers.Faultf(http.StatusBadRequest, "invalid_params", "query must not be longer than %d characters.", maxQuery)
	}
	ok, err := env.InAnyGroup("fusion_woocommerce.group_woo_user")
	if err != nil {
		return nil, nil, err
	}
	if !ok {
		return nil, nil, orm.AccessErrorf("Only users of WooCommerce may search its products.")
	}
	inst, err := orm.First[Instance](env, orm.Leaf("id", "=", s.Instance), "")
	if err == nil && inst == nil {
		err = controllers.Faultf(http.StatusNotFound, "not_found", "There is no such instance.")
	}
	return s, inst, err
}

// in are the conditions on products by their SKU and name, from the best to the weakest:
// the SKU itself, its beginning, the beginning of the name, anywhere in either. Each is
// about one field, so that the index of that field serves it. Fields with "." are of
// related records.
func (s *search) in(skus, names []string) (ranks []orm.Domain) {
	if s.Query == "" {
		return []orm.Domain{nil}
	}
	literal := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(s.Query)
	all := slices.Concat(skus, names)
	for _, f := range skus {
		ranks = append(ranks, orm.Leaf(f, "=ilike", literal))
	}
	for _, f := range all {
		ranks = append(ranks, orm.Leaf(f, "=ilike", literal+"%"))
	}
	if utf8.RuneCountInString(s.Query) >= indexed {
		for _, f := range all {
			ranks = append(ranks, orm.Leaf(f, "ilike", literal))
		}
	}
	return ranks
}

// find gives the page of records that a search asks for, those of better ranks first,
// and whether there are more.
func (s *search) find(rs orm.Records, scope orm.Domain, ranks []orm.Domain) (ids []int64, more bool, err error) {
	need := s.Offset + s.Limit + 1
	seen := map[int64]bool{}
	for _, rank := range ranks {
		if len(ids) >= need {
			break
		}
		// Fewer than need are known, so these are enough even if they come first again.
		found, err := rs.Search(orm.And(scope, rank), orm.SearchOptions{Limit: need, Order: "id"})
		if err != nil {
			return nil, false, err
		}
		for _, id := range found.IDs {
			if !seen[id] && len(ids) < need {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	if more = len(ids) >= need; more {
		ids = ids[:need-1]
	}
	return ids[min(s.Offset, len(ids)):], more, nil
}

// foundProduct is a product of the ERP.
type foundProduct struct {
	ID      int64  `json:"id"`
	SKU     string `json:"sku"`
	Name    string `json:"name"`
	Barcode string `json:"barcode"`
}

// foundMap is a product of a store, and what it is here.
type foundMap struct {
	ID        int64  `json:"id"`
	StoreID   int64  `json:"woo_id"`
	SKU       string `json:"sku"`
	Name      string `json:"name"`
	State     string `json:"state"`
	Product   int64  `json:"product_id"` // 0 when it is none of ours
	Code      string `json:"product_sku"`
	Title     string `json:"product_name"`
	Suggested int64  `json:"suggested_product_id"`
}

func searchProducts(env *orm.Env, c *controllers.Call) (any, error) {
	s, inst, err := searchOf(env, c)
	if err != nil {
		return nil, err
	}
	scope := orm.Leaf("company_id", "in", []any{false, inst.CompanyID.ID})
	ids, more, err := s.find(env.Model("product.product"), scope, s.in([]string{"default_code"}, []string{"name"}))
	if err != nil {
		return nil, err
	}
	list, err := orm.Read[product.Product](env, ids, "display_name")
	if err != nil {
		return nil, err
	}
	out := make([]foundProduct, len(list))
	for i, p := range list {
		out[i] = foundProduct{p.ID, p.DefaultCode, p.DisplayName.Get(), p.Barcode}
	}
	return map[string]any{"products": out, "more": more}, nil
}

func searchStoreProducts(env *orm.Env, c *controllers.Call) (any, error) {
	s, inst, err := searchOf(env, c)
	if err != nil {
		return nil, err
	}
	scope := orm.Leaf("instance_id", "=", inst.ID)
	if s.Unmatched {
		scope = orm.And(scope, orm.Leaf("state", "=", ProductUnmapped))
	}
	return s.maps(env, scope, s.in([]string{"woo_sku"}, []string{"woo_name"}))
}

func searchMapped(env *orm.Env, c *controllers.Call) (any, error) {
	s, inst, err := searchOf(env, c)
	if err != nil {
		return nil, err
	}
	scope := orm.And(orm.Leaf("instance_id", "=", inst.ID), orm.Leaf("state", "=", ProductMapped))
	return s.maps(env, scope, s.in([]string{"woo_sku", "product_id.default_code"}, []string{"woo_name", "product_id.name"}))
}

func (s *search) maps(env *orm.Env, scope orm.Domain, ranks []orm.Domain) (any, error) {
	ids, more, err := s.find(env.Model("woo.product.map"), scope, ranks)
	if err != nil {
		return nil, err
	}
	list, err := orm.Read[ProductMap](env, ids, "product_id.display_name")
	if err != nil {
		return nil, err
	}
	out := make([]foundMap, len(list))
	for i, m := range list {
		out[i] = foundMap{ID: m.ID, StoreID: m.RemoteID, SKU: m.SKU, Name: m.Name, State: m.State, Suggested: m.SuggestedID.ID}
		if p := m.ProductID.Rec(); p != nil {
			out[i].Product, out[i].Code, out[i].Title = p.ID, p.DefaultCode, p.DisplayName.Get()
		}
	}
	return map[string]any{"products": out, "more": more}, nil
}
