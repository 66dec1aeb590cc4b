package account

import (
	"fusion/addons/product"
	"fusion/framework/orm"
)

// Template adds to a product its taxes and accounts.
type Template struct {
	product.Template
	TaxesID         orm.Many[Tax]    `orm:"taxes_id,rel=product_taxes_rel:prod_id:tax_id" label:"Sales Taxes" domain:"[('type_tax_use', '=', 'sale')]"`
	SupplierTaxesID orm.Many[Tax]    `orm:"supplier_taxes_id,rel=product_supplier_taxes_rel:prod_id:tax_id" label:"Purchase Taxes" domain:"[('type_tax_use', '=', 'purchase')]"`
	Properties      orm.JSON         `orm:"account_properties" groups:"base.group_system" label:"Accounting Properties"`
	IncomeID        orm.Ref[Account] `orm:"property_account_income_id" label:"Income Account"`
	ExpenseID       orm.Ref[Account] `orm:"property_account_expense_id" label:"Expense Account"`
}

// Category adds to a product category the accounts of its products.
type Category struct {
	product.Category
	Properties orm.JSON         `orm:"account_properties" groups:"base.group_system" label:"Accounting Properties"`
	IncomeID   orm.Ref[Account] `orm:"property_account_income_categ_id" label:"Income Account"`
	ExpenseID  orm.Ref[Account] `orm:"property_account_expense_categ_id" label:"Expense Account"`
}

func defineProduct(r *orm.Registry) {
	none := func(*orm.Env) (int64, error) { return 0, nil }
	t := orm.Extend[Template](r, "product.template")
	t.Default("taxes_id", func(env *orm.Env) (any, error) {
		return companyTaxes(env, func(c *Company) int64 { return c.SaleTaxID.ID })
	})
	t.Default("supplier_taxes_id", func(env *orm.Env) (any, error) {
		return companyTaxes(env, func(c *Company) int64 { return c.PurchaseTaxID.ID })
	})
	for field, ref := range map[string]func(*Template) *int64{
		"property_account_income_id":  func(t *Template) *int64 { return &t.IncomeID.ID },
		"property_account_expense_id": func(t *Template) *int64 { return &t.ExpenseID.ID },
	} {
		t.Compute(field, func(env *orm.Env, ts []*Template) error {
			return loadProperty(env, "product_template", field, ts, func(t *Template) (int64, *int64) { return t.ID, ref(t) })
		}, "account_properties")
		t.Inverse(field, func(env *orm.Env, ts []*Template) error {
			return saveProperty(env, "product_template", field, ts, func(t *Template) (int64, *int64) { return t.ID, ref(t) })
		})
		t.SearchBy(field, searchProperty("product_template", field, none))
	}
	c := orm.Extend[Category](r, "product.category")
	for field, ref := range map[string]func(*Category) *int64{
		"property_account_income_categ_id":  func(c *Category) *int64 { return &c.IncomeID.ID },
		"property_account_expense_categ_id": func(c *Category) *int64 { return &c.ExpenseID.ID },
	} {
		c.Compute(field, func(env *orm.Env, cs []*Category) error {
			return loadProperty(env, "product_category", field, cs, func(c *Category) (int64, *int64) { return c.ID, ref(c) })
		}, "account_properties")
		c.Inverse(field, func(env *orm.Env, cs []*Category) error {
			return saveProperty(env, "product_category", field, cs, func(c *Category) (int64, *int64) { return c.ID, ref(c) })
		})
		c.SearchBy(field, searchProperty("product_category", field, none))
	}
}

// companyTaxes is the default tax of the current company as a list.
func companyTaxes(env *orm.Env, pick func(*Company) int64) (any, error) {
	if env.Company() == 0 {
		return nil, nil
	}
	c, err := bookkeeper(env, env.Company())
	if err != nil {
		return nil, err
	}
	if id := pick(c); id != 0 {
		return []orm.Command{orm.SetIDs(id)}, nil
	}
	return nil, nil
}

func loadProperty[T any](env *orm.Env, table, field string, recs []*T, at func(*T) (int64, *int64)) error {
	books, err := booksOf(env, env.Company())
	if err != nil {
		return err
	}
	ids := make([]int64, len(recs))
	for i, r := range recs {
		ids[i], _ = at(r)
	}
	own, err := readProperty(env, table, ids, field, books)
	if err != nil {
		return err
	}
	for _, r := range recs {
		id, value := at(r)
		*value = own[id]
	}
	return nil
}

func saveProperty[T any](env *orm.Env, table, field string, recs []*T, at func(*T) (int64, *int64)) error {
	books, err := booksOf(env, env.Company())
	if err != nil {
		return err
	}
	for _, r := range recs {
		id, value := at(r)
		if err := storeProperty(env, table, []int64{id}, field, books, *value); err != nil {
			return err
		}
	}
	return nil
}

// productAccount is the income or expense account of a product: its own, else
// that of its category or of a category above. 0 means none is set.
func productAccount(env *orm.Env, c *Company, t *Template, expense bool) (int64, error) {
	own, categ := "property_account_income_id", "property_account_income_categ_id"
	if expense {
		own, categ = "property_account_expense_id", "property_account_expense_categ_id"
	}
	found, err := readProperty(env, "product_template", []int64{t.ID}, own, c.ID)
	if err != nil || found[t.ID] != 0 {
		return found[t.ID], err
	}
	rows, err := env.Query(`WITH RECURSIVE up AS (
			SELECT id, parent_id, account_properties, 0 AS n FROM product_category WHERE id = ?
			UNION ALL SELECT c.id, c.parent_id, c.account_properties, n + 1 FROM product_category c JOIN up ON up.parent_id = c.id WHERE n < 100)
		SELECT account_properties->?->>? FROM up WHERE account_properties->?->>? IS NOT NULL ORDER BY n LIMIT 1`, t.CategID.ID, categ, itoa(c.ID), categ, itoa(c.ID))
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	return atoi(rows[0][0]), nil
}
