package sale_management

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/account"
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Template is what a quotation starts with.
type Template struct {
	orm.Record   `orm:"sale.order.template" label:"Quotation Template" order:"sequence, id"`
	Active       bool                     `orm:"active,default=true" label:"Active"`
	CompanyID    orm.Ref[base.Company]    `orm:"company_id,index" label:"Company"`
	Name         string                   `orm:"name,required" label:"Quotation Template"`
	Note         string                   `orm:"note,html,translate" label:"Terms and conditions"`
	Sequence     int                      `orm:"sequence,default=10" label:"Sequence"`
	NumberOfDays int                      `orm:"number_of_days" label:"Quotation Duration" help:"Number of days for the validity date computation of the quotation."`
	JournalID    orm.Ref[account.Journal] `orm:"journal_id,check_company" label:"Invoicing Journal" domain:"[('type', '=', 'sale')]"`
	LineIDs      orm.Many[TemplateLine]   `orm:"sale_order_template_line_ids,inverse=sale_order_template_id,copy" label:"Lines"`
	OptionIDs    orm.Many[TemplateOption] `orm:"sale_order_template_option_ids,inverse=sale_order_template_id,copy" label:"Optional Products"`
}

// TemplateLine is a line that quotations of a template get.
type TemplateLine struct {
	orm.Record  `orm:"sale.order.template.line" label:"Quotation Template Line" order:"sale_order_template_id, sequence, id"`
	TemplateID  orm.Ref[Template]        `orm:"sale_order_template_id,required,index,ondelete=cascade" label:"Quotation Template Reference"`
	Sequence    int                      `orm:"sequence,default=10" label:"Sequence"`
	CompanyID   orm.Ref[base.Company]    `orm:"company_id,related=sale_order_template_id.company_id,store,index,readonly" label:"Company"`
	ProductID   orm.Ref[product.Product] `orm:"product_id,check_company" label:"Product" domain:"[('sale_ok', '=', True)]"`
	Name        string                   `orm:"name,text,translate" label:"Description" help:"Empty: the description of the product."`
	UoMID       orm.Ref[uom.UoM]         `orm:"product_uom_id,store" label:"Unit of Measure"`
	Quantity    decimal.Decimal          `orm:"product_uom_qty,required,digits=6,default=1" label:"Quantity"`
	DisplayType string                   `orm:"display_type" selection:"line_section:Section,line_note:Note" label:"Display Type"`
}

// TemplateOption is a product that quotations of a template offer beside their
// lines.
type TemplateOption struct {
	orm.Record `orm:"sale.order.template.option" label:"Quotation Template Option" order:"id"`
	TemplateID orm.Ref[Template]        `orm:"sale_order_template_id,required,index,ondelete=cascade" label:"Quotation Template Reference"`
	CompanyID  orm.Ref[base.Company]    `orm:"company_id,related=sale_order_template_id.company_id,store,index,readonly" label:"Company"`
	ProductID  orm.Ref[product.Product] `orm:"product_id,required,check_company" label:"Product" domain:"[('sale_ok', '=', True)]"`
	Name       string                   `orm:"name,text,translate" label:"Description"`
	UoMID      orm.Ref[uom.UoM]         `orm:"uom_id,store" label:"Unit of Measure"`
	Quantity   decimal.Decimal          `orm:"quantity,required,digits=6,default=1" label:"Quantity"`
}

func defineTemplate(r *orm.Registry) {
	orm.Define[Template](r)
	l := orm.Define[TemplateLine](r)
	l.Compute("product_uom_id", func(env *orm.Env, ls []*TemplateLine) error {
		if err := orm.Load(env, ls, "product_id"); err != nil {
			return err
		}
		for _, l := range ls {
			l.UoMID = unitOf(l.ProductID)
		}
		return nil
	}, "product_id")
	l.Check("accountable_product_id_required", "display_type IS NOT NULL OR (product_id IS NOT NULL)", "A line of a template needs a product.")
	l.Check("non_accountable_fields_null", "display_type IS NULL OR (product_id IS NULL AND product_uom_qty = 0 AND product_uom_id IS NULL)", "Sections and notes carry no product or quantity.")
	l.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for _, vals := range list {
				if vals.Text("display_type") != "" {
					vals["product_uom_qty"] = decimal.Zero
				}
			}
			return super(rs, list)
		}
	})
	o := orm.Define[TemplateOption](r)
	o.Compute("uom_id", func(env *orm.Env, os []*TemplateOption) error {
		if err := orm.Load(env, os, "product_id"); err != nil {
			return err
		}
		for _, o := range os {
			o.UoMID = unitOf(o.ProductID)
		}
		return nil
	}, "product_id")
}

// unitOf is the unit of a loaded product.
func unitOf(p orm.Ref[product.Product]) orm.Ref[uom.UoM] {
	if !p.IsSet() {
		return orm.Ref[uom.UoM]{}
	}
	return orm.RefTo[uom.UoM](p.Rec().UoMID.ID)
}

// lines are the lines of a quotation of the template, without those it has.
func (t *Template) lines() []orm.Command {
	cmds := []orm.Command{{Op: orm.CmdClear}}
	for i, l := range t.LineIDs.All() {
		vals := orm.Values{"sequence": i + 1}
		if l.Name != "" {
			vals["name"] = l.Name
		}
		if l.DisplayType != "" {
			vals["display_type"], vals["product_uom_qty"] = l.DisplayType, 0
		} else {
			vals["product_id"], vals["product_uom_id"], vals["product_uom_qty"] = l.ProductID.ID, l.UoMID.ID, l.Quantity
		}
		cmds = append(cmds, orm.CreateLine(vals))
	}
	return cmds
}

// options are the optional products of a quotation of the template.
func (t *Template) options() []orm.Command {
	cmds := []orm.Command{{Op: orm.CmdClear}}
	for _, o := range t.OptionIDs.All() {
		vals := orm.Values{"product_id": o.ProductID.ID, "quantity": o.Quantity, "uom_id": o.UoMID.ID}
		if o.Name != "" {
			vals["name"] = o.Name
		}
		cmds = append(cmds, orm.CreateLine(vals))
	}
	return cmds
}

// fill gives values of a quotation what the template says and they do not. An
// empty list, as a form sends it, says nothing.
func (t *Template) fill(env *orm.Env, vals orm.Values) {
	missing := func(name string) bool {
		cmds, list := vals[name].([]orm.Command)
		return !vals.Has(name) || list && len(cmds) == 0
	}
	if missing("order_line") {
		vals["order_line"] = t.lines()
	}
	if missing("sale_order_option_ids") {
		vals["sale_order_option_ids"] = t.options()
	}
	if missing("note") && t.Note != "" {
		vals["note"] = t.Note
	}
	if missing("validity_date") && t.NumberOfDays > 0 {
		vals["validity_date"] = env.Today().AddDays(t.NumberOfDays)
	}
	if missing("journal_id") && t.JournalID.IsSet() {
		vals["journal_id"] = t.JournalID.ID
	}
}
