package uom

import (
	"strconv"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/framework/orm"
)

// Category holds the units that can be converted into each other.
type Category struct {
	orm.Record  `orm:"uom.category" label:"Product UoM Categories" order:"name, id"`
	Name        string        `orm:"name,required,translate" label:"Unit of Measure Category"`
	UoMIDs      orm.Many[UoM] `orm:"uom_ids,inverse=category_id" label:"Units"`
	ReferenceID orm.Ref[UoM]  `orm:"reference_uom_id" label:"Reference UoM"`
}

// The kinds of units, relative to the reference of their category.
const (
	Bigger    = "bigger"
	Reference = "reference"
	Smaller   = "smaller"
)

// UoM is a unit of measure. Factor says how many of it make one reference
// unit; FactorInv is the inverse. Ratio is the one of the two that is at least
// 1, kept exactly, so that a dozen is 12 and not the inverse of 0.08333.
type UoM struct {
	orm.Record `orm:"uom.uom" label:"Product Unit of Measure" order:"factor desc, id"`
	Name       string            `orm:"name,required,translate" label:"Unit of Measure"`
	CategoryID orm.Ref[Category] `orm:"category_id,required,index,ondelete=restrict" label:"Category" help:"Quantities are converted between units of the same category only."`
	Type       string            `orm:"uom_type,required,default=reference" selection:"bigger:Bigger than the reference Unit of Measure,reference:Reference Unit of Measure for this category,smaller:Smaller than the reference Unit of Measure" label:"Type"`
	Factor     decimal.Decimal   `orm:"factor,required,default=1" label:"Ratio" help:"How many of this unit make one unit of the reference of the category."`
	FactorInv  decimal.Decimal   `orm:"factor_inv" label:"Bigger Ratio" help:"How many units of the reference of the category make one of this unit."`
	Ratio      decimal.Decimal   `orm:"ratio,store" label:"Combined Ratio" help:"For a bigger unit, how many reference units make one of it; for a smaller one, how many of it make a reference unit."`
	Rounding   decimal.Decimal   `orm:"rounding,required,digits=6,default=0.01" label:"Rounding Precision" help:"Quantities are rounded to a multiple of this. Use 1.0 for a unit that cannot be divided."`
	Active     bool              `orm:"active,default=true" label:"Active" help:"An inactive unit is kept, but no longer offered."`
	Color      int               `orm:"color" label:"Color"`
}

func defineCategory(r *orm.Registry) {
	c := orm.Define[Category](r)
	c.Compute("reference_uom_id", func(_ *orm.Env, cs []*Category) error {
		for _, c := range cs {
			c.ReferenceID = orm.Ref[UoM]{}
			for _, u := range c.UoMIDs.All() {
				if u.Type == Reference {
					c.ReferenceID = orm.RefTo[UoM](u.ID)
				}
			}
		}
		return nil
	}, "uom_ids.uom_type")
	c.OnUnlink(keepMasterData)
}

func defineUoM(r *orm.Registry) {
	u := orm.Define[UoM](r)
	u.Compute("ratio", func(_ *orm.Env, us []*UoM) error {
		for _, u := range us {
			switch {
			case u.Type != Bigger:
				u.Ratio = u.Factor
			case !inverse(u.Ratio).Equal(u.Factor):
				u.Ratio = inverse(u.Factor)
			}
		}
		return nil
	}, "factor", "uom_type")
	u.Compute("factor_inv", func(_ *orm.Env, us []*UoM) error {
		for _, u := range us {
			u.FactorInv = inverse(u.Factor)
			if u.Type == Bigger {
				u.FactorInv = u.Ratio
			}
		}
		return nil
	}, "factor", "ratio", "uom_type")
	u.Inverse("ratio", func(env *orm.Env, us []*UoM) error {
		for _, u := range us {
			u.Factor = u.Ratio
			if u.Type == Bigger {
				u.Factor = inverse(u.Ratio)
			}
		}
		return orm.Save(env, us, "factor")
	})
	u.Inverse("factor_inv", func(env *orm.Env, us []*UoM) error {
		for _, u := range us {
			u.Ratio = u.FactorInv
			if u.Type != Bigger {
				u.Ratio = inverse(u.FactorInv)
			}
		}
		return orm.Save(env, us, "ratio")
	})
	u.Compute("color", func(_ *orm.Env, us []*UoM) error {
		for _, u := range us {
			u.Color = 0
			if u.Type == Reference {
				u.Color = 7
			}
		}
		return nil
	}, "uom_type")
	u.Check("factor_gt_zero", "factor > 0", "The ratio of a unit of measure must be more than zero.")
	u.Check("rounding_gt_zero", "rounding > 0", "The rounding precision of a unit of measure must be more than zero.")
	u.Check("factor_reference_is_one", "uom_type <> 'reference' OR factor = 1", "The ratio of the reference unit of a category must be 1.")
	u.Constrain("category_id, uom_type, active", oneReference)
	u.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			for _, id := range rs.IDs {
				rs.Env.Forget(unitKey(id))
			}
			return super(rs, vals)
		}
	})
	u.OnUnlink(keepMasterData)
	u.OnUnlink(keepReference)
	u.OnNameCreate(nameCreate)
}

// oneReference makes sure that a category with units has exactly one that the
// others are measured by.
func oneReference(env *orm.Env, us []*UoM) error {
	for _, u := range us {
		rows, err := env.Query(`SELECT COALESCE(c.name->>?, c.name->>'en_US'), count(*) FILTER (WHERE u.uom_type = 'reference')
			FROM uom_uom u JOIN uom_category c ON c.id = u.category_id WHERE u.category_id = ? AND u.active GROUP BY c.id`, env.Lang(), u.CategoryID.ID)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row[1] == "0" {
				return orm.ValidationErrorf("The category “%s” of units of measure needs a reference unit, by which the others are measured.", row[0])
			}
			if row[1] != "1" {
				return orm.ValidationErrorf("The category “%s” of units of measure can have one reference unit only.", row[0])
			}
		}
	}
	return nil
}

// keepReference refuses to delete the unit by which others are measured.
func keepReference(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		us, err := orm.Read[UoM](rs.Env.Sudo(), rs.IDs, "category_id")
		if err != nil {
			return err
		}
		if err := super(rs); err != nil {
			return err
		}
		for _, u := range us {
			if u.Type != Reference {
				continue
			}
			if err := oneReference(rs.Env.Sudo(), []*UoM{u}); err != nil {
				return err
			}
		}
		return nil
	}
}

// What comes with the addon and may be deleted all the same.
var deletable = []string{"product_uom_hour", "product_uom_dozen"}

// keepMasterData refuses to delete the units and categories that come with the
// addon, since other addons name them.
func keepMasterData(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		if rs.Env.Flag("uninstall", false) {
			return super(rs)
		}
		rows, err := rs.Env.Query("SELECT res_id FROM ir_model_data WHERE module = 'uom' AND model = ? AND res_id = ANY(?) AND NOT name = ANY(?)", rs.Model.Name, rs.IDs, deletable)
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return super(rs)
		}
		names, err := rs.In(rs.Env.Sudo()).DisplayNames()
		if err != nil {
			return err
		}
		id, _ := strconv.ParseInt(rows[0][0], 10, 64)
		return orm.UserErrorf("“%s” is used by the system and cannot be deleted. You can archive it.", names[id])
	}
}

// nameCreate makes a unit from its name alone: in the category of the context,
// else the one of the unit that comes with the addon.
func nameCreate(orm.NameCreateFunc) orm.NameCreateFunc {
	return func(rs orm.Records, name string) (orm.NamedID, error) {
		vals := orm.Values{"name": name, "factor": one}
		if rs.Env.Key("default_category_id") == nil {
			ref, err := rs.Env.Ref("uom.product_uom_categ_unit")
			if err != nil {
				return orm.NamedID{}, err
			}
			vals["category_id"], vals["uom_type"] = ref.ID(), Smaller
		}
		made, err := rs.Create(vals)
		return orm.NamedID{ID: made.ID(), Name: name}, err
	}
}
