package woocommerce

import (
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// Carrier delivers parcels and may have a page that follows them.
type Carrier struct {
	orm.Record  `orm:"woo.shipping.carrier" label:"WooCommerce Carrier" order:"name"`
	Name        string `orm:"name,required" label:"Name"`
	Code        string `orm:"code,required" label:"Code"`
	TrackingURL string `orm:"tracking_url" label:"Tracking URL" help:"Address of the page that follows a parcel; {tracking} stands for its number."`
	Active      bool   `orm:"active,default=true" label:"Active"`
}

func defineCarrier(r *orm.Registry) {
	d := orm.Define[Carrier](r)
	d.Unique("code_unique", "code", "A carrier with this code exists already.")
}

// Link is the address that follows a parcel, "" when the carrier has none.
func (c *Carrier) Link(number string) string {
	if c == nil || c.TrackingURL == "" || number == "" {
		return ""
	}
	return strings.ReplaceAll(c.TrackingURL, "{tracking}", strings.TrimSpace(number))
}
