package sale_management

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/product"
	"fusionsoft.ca/fusion/addons/sale"
	"fusionsoft.ca/fusion/addons/uom"
	"fusionsoft.ca/fusion/framework/orm"
)

// Order is a sale order with its template and its options.
type Order struct {
	sale.Order
	TemplateID orm.Ref[Template] `orm:"sale_order_template_id,check_company" label:"Quotation Template"`
	OptionIDs  orm.Many[Option]  `orm:"sale_order_option_ids,inverse=order_id,copy" label:"Optional Products Lines"`
}

// Option is a product that an order offers beside its lines.
type Option struct {
	orm.Record `orm:"sale.order.option" label:"Sale Options" order:"sequence, id"`
	OrderID    orm.Ref[Order]           `orm:"order_id,required,index,ondelete=cascade" label:"Sales Order Reference"`
	CompanyID  orm.Ref[base.Company]    `orm:"company_id,related=order_id.company_id,store,readonly" label:"Company"`
	CurrencyID orm.Ref[base.Currency]   `orm:"currency_id,related=order_id.currency_id,readonly" label:"Currency"`
	ProductID  orm.Ref[product.Product] `orm:"product_id,required,check_company" label:"Product" domain:"[('sale_ok', '=', True)]"`
	LineID     orm.Ref[sale.OrderLine]  `orm:"line_id,nocopy,ondelete=set_null" label:"Line"`
	Sequence   int                      `orm:"sequence,default=10" label:"Sequence"`
	Name       string                   `orm:"name,text,store" label:"Description"`
	Quantity   decimal.Decimal          `orm:"quantity,required,digits=6,default=1" label:"Quantity"`
	UoMID      orm.Ref[uom.UoM]         `orm:"uom_id,store" label:"Unit of Measure"`
	PriceUnit  decimal.Decimal          `orm:"price_unit,store,min_digits=Product Price:2" label:"Unit Price"`
	Discount   decimal.Decimal          `orm:"discount,digits=6,default=0" label:"Discount (%)"`
	IsPresent  orm.Deferred[bool]       `orm:"is_present" label:"Present on Quotation"`
}

// AddOption puts an option on the lines of its order.
var AddOption = orm.Method[Option]{Name: "button_add_to_order"}

func defineOption(r *orm.Registry) {
	d := orm.Define[Option](r)
	d.Compute("name, uom_id", func(env *orm.Env, os []*Option) error {
		if err := orm.Load(env, os, "product_id.display_name"); err != nil {
			return err
		}
		for _, o := range os {
			o.UoMID = unitOf(o.ProductID)
			p := o.ProductID.Rec()
			if p == nil { // not chosen yet
				o.Name = ""
				continue
			}
			o.Name = p.DisplayName.Get()
			if p.DescriptionSale != "" {
				o.Name += "\n" + p.DescriptionSale
			}
		}
		return nil
	}, "product_id")
	d.Compute("price_unit", optionPrices, "product_id", "uom_id", "quantity")
	d.Compute("is_present", func(_ *orm.Env, os []*Option) error {
		for _, o := range os {
			o.IsPresent.Set(o.LineID.IsSet())
		}
		return nil
	}, "line_id")
	d.SearchBy("is_present", func(_ *orm.Env, op string, value any) (orm.Domain, error) {
		yes, ok := value.(bool)
		if !ok || op != "=" && op != "!=" {
			return nil, orm.UserErrorf("Present on Quotation can be searched with = and != and a boolean only.")
		}
		if yes == (op == "=") {
			return orm.Leaf("line_id", "!=", false), nil
		}
		return orm.Leaf("line_id", "=", false), nil
	})
	orm.Implement(d, AddOption, addOptions)
}

// optionPrices are the prices of the order's pricelist.
func optionPrices(env *orm.Env, os []*Option) error {
	if err := orm.Load(env, os, "order_id"); err != nil {
		return err
	}
	for _, o := range os {
		order := o.OrderID.Rec()
		if order == nil {
			o.PriceUnit = decimal.Zero
			continue
		}
		asks := []product.PriceRequest{{ProductID: o.ProductID.ID, Quantity: o.Quantity, UoMID: o.UoMID.ID}}
		prices, err := product.Prices(env.WithCompany(order.CompanyID.ID), order.PricelistID.ID, order.CurrencyID.ID, order.DateOrder.Time(), asks)
		if err != nil {
			return err
		}
		o.PriceUnit = prices[0].Price
	}
	return nil
}

func addOptions(env *orm.Env, os []*Option, _ orm.Args) (any, error) {
	if err := orm.Load(env, os, "order_id"); err != nil {
		return nil, err
	}
	for _, o := range os {
		order := o.OrderID.Rec()
		if order.State != sale.OrderDraft && order.State != sale.OrderSent {
			return nil, orm.UserErrorf("Options can be added to quotations only; %s is none any more.", order.Name)
		}
		if o.LineID.IsSet() {
			continue
		}
		made, err := env.Model("sale.order.line").Create(orm.Values{"order_id": order.ID, "product_id": o.ProductID.ID, "name": o.Name, "product_uom_id": o.UoMID.ID,
			"product_uom_qty": o.Quantity, "price_unit": o.PriceUnit, "discount": o.Discount})
		if err != nil {
			return nil, err
		}
		o.LineID = orm.RefTo[sale.OrderLine](made.ID())
	}
	return true, orm.Save(env, os, "line_id")
}

func defineOrder(r *orm.Registry) {
	d := orm.Extend[Order](r, "sale.order")
	d.OnChange("sale_order_template_id", func(rs orm.Records) error {
		o, err := orm.Get[Order](rs.Env, rs.ID(), "order_line", "sale_order_option_ids")
		if err != nil || o.State != sale.OrderDraft || o.TemplateID.ID == 0 {
			return err
		}
		vals := orm.Values{"sale_order_template_id": o.TemplateID.ID}
		t, err := templateOf(rs.Env, vals)
		if err != nil || t == nil {
			return err
		}
		if rs.Origin() == 0 && len(o.Lines.IDs())+len(o.OptionIDs.IDs()) > 0 {
			return nil // lines of one's own take the place of the template's
		}
		t.fill(rs.Env, vals)
		delete(vals, "sale_order_template_id")
		return rs.Assign(vals)
	})
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			full := make([]orm.Values, len(list))
			for i, vals := range list {
				t, err := templateOf(rs.Env, vals)
				if err != nil {
					return rs, err
				}
				full[i] = vals
				if t != nil {
					full[i] = vals.Clone()
					t.fill(rs.Env, full[i])
				}
			}
			return super(rs, full)
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			t, err := templateOf(rs.Env, vals)
			if err != nil {
				return err
			}
			if t == nil {
				return super(rs, vals)
			}
			os, err := orm.Read[Order](rs.Env, rs.IDs)
			if err != nil {
				return err
			}
			for _, o := range os {
				own := vals
				if o.State == sale.OrderDraft && o.TemplateID.ID != t.ID {
					own = vals.Clone()
					t.fill(rs.Env, own)
				}
				if err := super(rs.Browse(o.ID), own); err != nil {
					return err
				}
			}
			return nil
		}
	})
}

// templateOf reads the template that values of an order name, nil without one.
func templateOf(env *orm.Env, vals orm.Values) (*Template, error) {
	id := vals.ID("sale_order_template_id")
	if id == 0 {
		return nil, nil
	}
	rs, err := env.Model("sale.order.template").Search(orm.Leaf("id", "=", id), orm.SearchOptions{})
	if err != nil || rs.Len() == 0 {
		return nil, err
	}
	return orm.Get[Template](env, rs.ID(), "sale_order_template_line_ids", "sale_order_template_option_ids")
}
