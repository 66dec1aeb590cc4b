package uom

import (
	"github.com/shopspring/decimal"

	"fusion/framework/orm"
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
	FactorInv  decimal.Decimal   `orm:"factor_inv,readonly" label:"Bigger Ratio" help:"How many units of the reference of the category make one of this unit."`
	Ratio      decimal.Decimal   `orm:"ratio" label:"Combined Ratio"`
	Rounding   decimal.Decimal   `orm:"rounding,required,digits=6,default=0.01" label:"Rounding Precision" help:"Quantities are rounded to a multiple of this. Use 1.0 for a unit that cannot be divided."`
	Active     bool              `orm:"active,default=true" label:"Active" help:"An inactive unit is kept, but no longer offered."`
	Color      int               `orm:"color" label:"Color"`
}

func defineCategory(r *orm.Registry) {
	orm.Define[Category](r)
}

func defineUoM(r *orm.Registry) {
	orm.Define[UoM](r)
}
