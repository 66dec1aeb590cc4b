package account

import (
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/framework/orm"
)

// Template adds to a product its taxes and accounts.
type Template struct {
	product.Template
	TaxesID         orm.Many[Tax]    `orm:"taxes_id,rel=product_taxes_rel:prod_id:tax_id" label:"Sales Taxes" domain:"[('type_tax_use', '=', 'sale')]"`
	SupplierTaxesID orm.Many[Tax]    `orm:"supplier_taxes_id,rel=product_supplier_taxes_rel:prod_id:tax_id" label:"Purchase Taxes" domain:"[('type_tax_use', '=', 'purchase')]"`
	IncomeID        orm.Ref[Account] `orm:"property_account_income_id,company_dependent" label:"Income Account" help:"Keep this empty to use that of the product's category."`
	ExpenseID       orm.Ref[Account] `orm:"property_account_expense_id,company_dependent" label:"Expense Account" help:"Keep this empty to use that of the product's category."`
}

// Category adds to a product category the accounts of its products.
type Category struct {
	product.Category
	IncomeID  orm.Ref[Account] `orm:"property_account_income_categ_id,company_dependent" label:"Income Account"`
	ExpenseID orm.Ref[Account] `orm:"property_account_expense_categ_id,company_dependent" label:"Expense Account"`
}

func defineProduct(r *orm.Registry) {
	t := orm.Extend[Template](r, "product.template")
	t.Default("taxes_id", func(env *orm.Env) (any, error) {
		return companyTaxes(env, func(c *Company) int64 { return c.SaleTaxID.ID })
	})
	t.Default("supplier_taxes_id", func(env *orm.Env) (any, error) {
		return companyTaxes(env, func(c *Company) int64 { return c.PurchaseTaxID.ID })
	})
	orm.Extend[Category](r, "product.category")
}

// companyTaxes is the default tax of the current company as a list.
func companyTaxes(env *orm.Env, pick func(*Company) int64) (any, error) {
	if env.Company() == 0 {
		return nil, nil
	}
	c, err := booksCompany(env, env.Company())
	if err != nil {
		return nil, err
	}
	if id := pick(c); id != 0 {
		return []orm.Command{orm.SetIDs(id)}, nil
	}
	return nil, nil
}

// productAccounts are the income or expense accounts of products, which were
// read for the company that keeps the books: their own, else those of their
// categories. Products without one are left out.
func productAccounts(env *orm.Env, ts []*Template, expense bool) (map[int64]int64, error) {
	out := map[int64]int64{}
	var categories []int64
	for _, t := range ts {
		out[t.ID] = t.IncomeID.ID
		if expense {
			out[t.ID] = t.ExpenseID.ID
		}
		if out[t.ID] == 0 && t.CategID.IsSet() {
			categories = append(categories, t.CategID.ID)
		}
	}
	if len(categories) == 0 {
		return out, nil
	}
	cs, err := orm.Read[Category](env, unique(categories))
	if err != nil {
		return nil, err
	}
	byID := map[int64]*Category{}
	for _, c := range cs {
		byID[c.ID] = c
	}
	for _, t := range ts {
		if c := byID[t.CategID.ID]; out[t.ID] == 0 && c != nil {
			out[t.ID] = c.IncomeID.ID
			if expense {
				out[t.ID] = c.ExpenseID.ID
			}
		}
	}
	return out, nil
}
