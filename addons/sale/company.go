package sale

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Company adds to a company how long its quotations are valid.
type Company struct {
	base.Company
	QuotationDays int `orm:"quotation_validity_days,default=30" label:"Default Quotation Validity" help:"Days after which a quotation expires; 0: never."`
}

func defineCompany(r *orm.Registry) {
	orm.Extend[Company](r, "res.company").
		Check("check_quotation_validity_days", "quotation_validity_days >= 0", "Quotations cannot expire before they are made: enter 0 or more days.")
}
