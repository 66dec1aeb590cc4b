package account

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/mail"
	"fusionsoft.ca/fusion/framework/orm"
)

// TaxGroup is what several taxes are shown as in the totals of a document.
type TaxGroup struct {
	orm.Record `orm:"account.tax.group" label:"Tax Group" order:"sequence, id"`
	Name       string                `orm:"name,required,translate" label:"Name"`
	Sequence   int                   `orm:"sequence,default=10" label:"Sequence"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,required,index" label:"Company"`
	CountryID  orm.Ref[base.Country] `orm:"country_id" label:"Country"`
	Preceding  string                `orm:"preceding_subtotal,translate" label:"Preceding Subtotal"`
}

// Tax is a tax on sales or purchases.
type Tax struct {
	orm.Record `orm:"account.tax" label:"Tax" order:"sequence, id" search:"name,description,invoice_label"`
	mail.Thread
	Name                 string                   `orm:"name,required,translate,tracking" label:"Tax Name"`
	TypeTaxUse           string                   `orm:"type_tax_use,required,default=sale,tracking" selection:"sale:Sales,purchase:Purchases,none:None" label:"Tax Type"`
	TaxScope             string                   `orm:"tax_scope" selection:"service:Services,consu:Goods" label:"Tax Scope"`
	AmountType           string                   `orm:"amount_type,required,default=percent,tracking" selection:"group:Group of Taxes,fixed:Fixed,percent:Percentage of Price,division:Percentage of Price Tax Included" label:"Tax Computation"`
	Active               bool                     `orm:"active,default=true" label:"Active"`
	CompanyID            orm.Ref[base.Company]    `orm:"company_id,required,index" label:"Company"`
	ChildrenTaxIDs       orm.Many[Tax]            `orm:"children_tax_ids,rel=account_tax_filiation_rel:parent_tax:child_tax,check_company" label:"Children Taxes"`
	Sequence             int                      `orm:"sequence,required,default=1" label:"Sequence"`
	Amount               decimal.Decimal          `orm:"amount,required,digits=4,default=0,tracking" label:"Amount"`
	Description          string                   `orm:"description,html,translate" label:"Description"`
	InvoiceLabel         string                   `orm:"invoice_label,translate" label:"Label on Invoices"`
	PriceIncludeOverride string                   `orm:"price_include_override,tracking" selection:"tax_included:Tax Included,tax_excluded:Tax Excluded" label:"Included in Price"`
	PriceInclude         orm.Deferred[bool]       `orm:"price_include" label:"Price Include"`
	IncludeBaseAmount    bool                     `orm:"include_base_amount,tracking" label:"Affect Base of Subsequent Taxes"`
	IsBaseAffected       bool                     `orm:"is_base_affected,default=true,tracking" label:"Base Affected by Previous Taxes"`
	Analytic             bool                     `orm:"analytic" label:"Include in Analytic Cost"`
	TaxGroupID           orm.Ref[TaxGroup]        `orm:"tax_group_id,required,check_company" label:"Tax Group"`
	CountryID            orm.Ref[base.Country]    `orm:"country_id" label:"Country"`
	InvoiceRepartition   orm.Many[TaxRepartition] `orm:"invoice_repartition_line_ids,inverse=invoice_tax_id,copy" label:"Distribution for Invoices"`
	RefundRepartition    orm.Many[TaxRepartition] `orm:"refund_repartition_line_ids,inverse=refund_tax_id,copy" label:"Distribution for Refund Invoices"`
	DisplayName          orm.Deferred[string]     `orm:"display_name"`
}

// TaxRepartition says on which account which share of a tax is booked.
type TaxRepartition struct {
	orm.Record      `orm:"account.tax.repartition.line" label:"Tax Repartition Line" order:"document_type, repartition_type, sequence, id"`
	FactorPercent   decimal.Decimal               `orm:"factor_percent,required,digits=4,default=100" label:"%"`
	Factor          orm.Deferred[decimal.Decimal] `orm:"factor,digits=6" label:"Factor Ratio"`
	RepartitionType string                        `orm:"repartition_type,required,default=tax" selection:"base:Base,tax:of tax" label:"Based On"`
	DocumentType    string                        `orm:"document_type,store" selection:"invoice:Invoice,refund:Refund" label:"Related to"`
	AccountID       orm.Ref[Account]              `orm:"account_id,check_company" label:"Account"`
	InvoiceTaxID    orm.Ref[Tax]                  `orm:"invoice_tax_id,index,ondelete=cascade" label:"Invoice Tax"`
	RefundTaxID     orm.Ref[Tax]                  `orm:"refund_tax_id,index,ondelete=cascade" label:"Refund Tax"`
	TaxID           orm.Ref[Tax]                  `orm:"tax_id,store,index" label:"Tax"`
	CompanyID       orm.Ref[base.Company]         `orm:"company_id,related=tax_id.company_id,store" label:"Company"`
	Sequence        int                           `orm:"sequence,default=1" label:"Sequence"`
}

func defineTax(r *orm.Registry) {
	g := orm.Define[TaxGroup](r)
	g.Default("company_id", func(env *orm.Env) (any, error) { return booksCompanyID(env, env.Company()) })

	t := orm.Define[Tax](r)
	t.Default("company_id", func(env *orm.Env) (any, error) { return booksCompanyID(env, env.Company()) })
	t.Compute("price_include", pricesInclude, "price_include_override")
	t.Inverse("price_include", func(env *orm.Env, ts []*Tax) error {
		for _, t := range ts {
			t.PriceIncludeOverride = PriceTaxExcluded
			if t.PriceInclude.Get() {
				t.PriceIncludeOverride = PriceTaxIncluded
			}
		}
		return orm.Save(env, ts, "price_include_override")
	})
	t.SearchBy("price_include", searchPriceInclude)
	t.Compute("display_name", taxNames, "name", "type_tax_use", "tax_scope", "company_id.name")
	t.SearchBy("display_name", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		d := orm.AnyOf(op, value, "name", "description", "invoice_label")
		if text, _ := value.(string); text != "" && (op == "like" || op == "ilike") {
			d = orm.Or(d, orm.Leaf("name", op, letters(text)))
		}
		return d, nil
	})
	t.Constrain("children_tax_ids, amount_type, type_tax_use", checkTaxGroups)
	t.Constrain("name, company_id, type_tax_use, tax_scope, country_id", uniqueTaxNames)
	t.OnCreate(createTaxes)
	t.OnUnlink(keepUsedTaxes)
	invalidateOnChange(t, taxesKey{})

	l := orm.Define[TaxRepartition](r)
	l.Compute("factor", func(_ *orm.Env, ls []*TaxRepartition) error {
		for _, l := range ls {
			l.Factor.Set(l.FactorPercent.Shift(-2))
		}
		return nil
	}, "factor_percent")
	l.Compute("document_type, tax_id", func(_ *orm.Env, ls []*TaxRepartition) error {
		for _, l := range ls {
			l.DocumentType, l.TaxID = RepartitionInvoice, orm.RefTo[Tax](l.InvoiceTaxID.ID)
			if l.RefundTaxID.IsSet() {
				l.DocumentType, l.TaxID = RepartitionRefund, orm.RefTo[Tax](l.RefundTaxID.ID)
			}
		}
		return nil
	}, "invoice_tax_id", "refund_tax_id")
	invalidateOnChange(l, taxesKey{})
	l.Check("one_tax", "(invoice_tax_id IS NULL) <> (refund_tax_id IS NULL)", "A distribution line belongs either to the invoices or to the refunds of one tax.")
}

// pricesInclude tells included taxes: those that say so, else those of
// companies whose prices are kept with taxes.
func pricesInclude(env *orm.Env, ts []*Tax) error {
	included := map[int64]bool{}
	for _, t := range ts {
		if _, known := included[t.CompanyID.ID]; known || !t.CompanyID.IsSet() {
			continue
		}
		how, err := env.Sudo().Model("res.company").Browse(t.CompanyID.ID).Value("account_price_include")
		if err != nil {
			return err
		}
		included[t.CompanyID.ID] = how == "tax_included"
	}
	for _, t := range ts {
		t.PriceInclude.Set(t.PriceIncludeOverride == PriceTaxIncluded || t.PriceIncludeOverride == "" && included[t.CompanyID.ID])
	}
	return nil
}

func searchPriceInclude(_ *orm.Env, op string, value any) (orm.Domain, error) {
	yes, ok := value.(bool)
	if !ok || op != "=" && op != "!=" {
		return nil, orm.UserErrorf("Price Include can be searched with = and != and a boolean only.")
	}
	d := orm.Or(orm.Leaf("price_include_override", "=", "tax_included"),
		orm.And(orm.Leaf("price_include_override", "=", false), orm.Leaf("company_id.account_price_include", "=", "tax_included")))
	if yes == (op == "=") {
		return d, nil
	}
	return orm.Not(d), nil
}

// createTaxes gives new taxes a tax group and the usual distribution: the whole
// base and the whole tax, on no account of its own.
func createTaxes(super orm.CreateFunc) orm.CreateFunc {
	return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
		full := make([]orm.Values, len(list))
		for i, vals := range list {
			vals = vals.Clone()
			full[i] = vals
			company := vals.ID("company_id")
			if company == 0 {
				var err error
				if company, err = booksCompanyID(rs.Env, rs.Env.Company()); err != nil {
					return rs, err
				}
				vals["company_id"] = company
			}
			if vals.ID("tax_group_id") == 0 {
				name := vals.Text("invoice_label")
				if name == "" {
					name = vals.Text("name")
				}
				group, err := defaultTaxGroup(rs.Env, company, name)
				if err != nil {
					return rs, err
				}
				vals["tax_group_id"] = group
			}
			if vals["country_id"] == nil {
				if c, err := companyCountry(rs.Env, company); err != nil {
					return rs, err
				} else if c != 0 {
					vals["country_id"] = c
				}
			}
			for _, f := range []string{"invoice_repartition_line_ids", "refund_repartition_line_ids"} {
				if vals[f] == nil {
					vals[f] = []orm.Command{orm.CreateLine(orm.Values{"repartition_type": "base"}), orm.CreateLine(orm.Values{"repartition_type": "tax"})}
				}
			}
		}
		return super(rs, full)
	}
}

// defaultTaxGroup is the company's tax group of a name, made when there is none:
// totals then show a tax under its own name.
func defaultTaxGroup(env *orm.Env, company int64, name string) (int64, error) {
	env = env.Sudo()
	g, err := orm.First[TaxGroup](env, orm.And(orm.Leaf("company_id", "=", company), orm.Leaf("name", "=", name)), "")
	if err != nil {
		return 0, err
	}
	if g == nil {
		if g, err = orm.New[TaxGroup](env); err != nil {
			return 0, err
		}
		g.Name, g.CompanyID = name, orm.RefTo[base.Company](company)
		if err := orm.Create(env, g); err != nil {
			return 0, err
		}
	}
	return g.ID, nil
}

func checkTaxGroups(env *orm.Env, ts []*Tax) error {
	if err := orm.Load(env, ts, "children_tax_ids"); err != nil {
		return err
	}
	for _, t := range ts {
		for _, c := range t.ChildrenTaxIDs.All() {
			if c.ID == t.ID || c.AmountType == AmountTypeGroup {
				return orm.ValidationErrorf("Recursion found for tax “%s”.", t.Name)
			}
			if c.TypeTaxUse != TaxUseNone && c.TypeTaxUse != t.TypeTaxUse {
				return orm.ValidationErrorf("The application scope of taxes in a group must be either the same as the group or left empty.")
			}
		}
	}
	return nil
}

func uniqueTaxNames(env *orm.Env, ts []*Tax) error {
	// SQL: joins the taxes of a company with each other, seen by the user or not.
	name, found, err := orm.MaybeRow[string](env, orm.SQL(`SELECT a.name->>'en_US' FROM account_tax a JOIN account_tax b ON b.id <> a.id AND b.company_id = a.company_id
		AND b.type_tax_use = a.type_tax_use AND b.name = a.name AND COALESCE(b.tax_scope, '') = COALESCE(a.tax_scope, '') AND COALESCE(a.country_id, 0) = COALESCE(b.country_id, 0)
		WHERE a.id = ANY(?) AND a.type_tax_use <> 'none' LIMIT 1`, orm.IDs(env, ts)).Reads("account.tax"))
	if err != nil {
		return err
	}
	if found {
		return orm.ValidationErrorf("Tax names must be unique!\n- %s", name)
	}
	return nil
}

func keepUsedTaxes(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		used, err := rs.Env.Sudo().Model("account.move.line").SearchCount(orm.Or(orm.Leaf("tax_ids", "in", rs.IDs), orm.Leaf("tax_line_id", "in", rs.IDs)), 1)
		if err != nil {
			return err
		}
		if used > 0 {
			return orm.UserErrorf("This tax is used by journal items. Archive it instead of deleting it.")
		}
		return super(rs)
	}
}

// taxNames add to the names what the context asks for: the use of the taxes and, for
// who works in several companies, whose they are.
func taxNames(env *orm.Env, ts []*Tax) error {
	between := " (%s)"
	formatted := env.Flag(base.FormattedName, false)
	if formatted {
		between = "\t--%s--"
	}
	more, _ := env.Key("append_fields").([]any)
	m := env.Model("account.tax").Model
	for _, t := range ts {
		t.DisplayName.Set(t.Name)
		if slices.Contains(more, any("type_tax_use")) {
			t.DisplayName.Set(t.DisplayName.Get() + fmt.Sprintf(between, m.Fields["type_tax_use"].OptionLabel(t.TypeTaxUse)))
		}
		if slices.Contains(more, any("company_id")) && len(env.Companies()) > 1 && t.CompanyID.IsSet() {
			t.DisplayName.Set(t.DisplayName.Get() + fmt.Sprintf(between, t.CompanyID.Rec().Name))
		}
		if formatted && t.TaxScope != "" {
			t.DisplayName.Set(t.DisplayName.Get() + fmt.Sprintf(between, m.Fields["tax_scope"].OptionLabel(t.TaxScope)))
		}
	}
	return nil
}

var (
	quotedPart = regexp.MustCompile(`"[^"]*"`)
	noLetter   = regexp.MustCompile(`[^\p{L}\p{N}_]+`)
)

// letters makes of what somebody typed, such as 21M, the pattern of all names that
// hold these letters and digits in this order, such as “21% M”. What stands in
// quotation marks stays together.
func letters(text string) string {
	var b strings.Builder
	spread := func(part string) {
		b.WriteString(strings.Join(strings.Split(noLetter.ReplaceAllString(part, ""), ""), "%"))
	}
	at := 0
	for _, span := range quotedPart.FindAllStringIndex(text, -1) {
		spread(text[at:span[0]])
		b.WriteString("%" + strings.ReplaceAll(strings.Trim(text[span[0]:span[1]], `"`), "%", "_") + "%")
		at = span[1]
	}
	spread(text[at:])
	return b.String()
}
