package wcapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"time"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/wcapi"
)

// A store is reached, listed, and written to; what goes wrong is told apart by
// its kind.
func Example() {
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPut {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"code":"product_invalid_sku","message":"Invalid or duplicated SKU.","data":{"status":400,"resource_id":31}}`)
			return
		}
		w.Header().Set("X-WP-TotalPages", "1")
		fmt.Fprint(w, `[{"id":12,"name":"Nuts &amp; Bolts","sku":"NB","regular_price":""},{"id":13,"name":"Flyer","regular_price":"0"}]`)
	}))
	defer store.Close()

	client, err := wcapi.New(wcapi.Config{BaseURL: store.URL, ConsumerKey: "ck_example", ConsumerSecret: "cs_example", Proven: true, Timeout: 5 * time.Second, Transport: http.DefaultTransport})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx := context.Background()
	for p, err := range client.Products(ctx, nil) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.ID, wcapi.Unescape(p.Name), "has a price:", p.RegularPrice.Set)
	}
	sku := "NB"
	_, err = client.UpdateProduct(ctx, 13, wcapi.ProductPatch{SKU: &sku})
	var refusal *wcapi.Error
	if errors.Is(err, wcapi.ErrInvalid) && errors.As(err, &refusal) {
		fmt.Println(refusal.Code, "because of product", refusal.ResourceID)
	}
	// Output:
	// 12 Nuts & Bolts has a price: false
	// 13 Flyer has a price: true
	// product_invalid_sku because of product 31
}

func ExampleVerifySignature() {
	body := []byte(`{"id":7}`)
	signature := wcapi.Sign("secret", body) // what the store does
	fmt.Println(wcapi.VerifySignature("secret", body, signature), wcapi.VerifySignature("other", body, signature))
	// Output: true false
}
