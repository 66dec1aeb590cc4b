package uom

import (
	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// UoM is a unit of measure. A unit either stands for itself or is so many of
// another: a dozen is 12 units, a gross 12 dozens. Factor multiplies these along
// the way to the unit that stands for itself, its root; quantities are converted
// between units of the same root.
type UoM struct {
	orm.Record     `orm:"uom.uom" label:"Product Unit of Measure" order:"sequence, relative_uom_id, id" parent:"relative_uom_id"`
	Name           string                        `orm:"name,required,translate" label:"Unit Name"`
	Sequence       int                           `orm:"sequence,store" label:"Sequence"`
	RelativeFactor decimal.Decimal               `orm:"relative_factor,required,default=1" label:"Contains" help:"How many of the reference unit this unit contains."`
	RelativeUoMID  orm.Ref[UoM]                  `orm:"relative_uom_id,index,ondelete=cascade" label:"Reference Unit"`
	RelatedIDs     orm.Many[UoM]                 `orm:"related_uom_ids,inverse=relative_uom_id" label:"Related UoMs"`
	Factor         decimal.Decimal               `orm:"factor,store,readonly" label:"Absolute Quantity" help:"How many of the last unit in the chain of reference units this unit contains."`
	Rounding       orm.Deferred[decimal.Decimal] `orm:"rounding" label:"Rounding Precision" help:"Quantities in any unit are rounded to the decimals of “Product Unit”."`
	Active         bool                          `orm:"active,default=true" label:"Active" help:"An inactive unit is kept, but no longer offered."`
	ParentPath     string                        `orm:"parent_path,index,nocopy" label:"Parent Path"`
	DisplayName    orm.Deferred[string]          `orm:"display_name"`
}

func defineUoM(r *orm.Registry) {
	u := orm.Define[UoM](r)
	u.Compute("sequence", func(_ *orm.Env, us []*UoM) error {
		for _, u := range us {
			if u.Sequence == 0 {
				u.Sequence = int(decimal.Min(u.RelativeFactor.Shift(2), decimal.NewFromInt(1000)).IntPart())
			}
		}
		return nil
	}, "relative_factor")
	u.Compute("display_name", func(env *orm.Env, us []*UoM) error {
		formatted := env.Flag(base.FormattedName, false)
		for _, u := range us {
			u.DisplayName.Set(u.Name)
			if of := u.RelativeUoMID.Rec(); formatted && of != nil {
				factor := u.RelativeFactor.String()
				if u.RelativeFactor.IsInteger() {
					factor += ".0"
				}
				u.DisplayName.Set(u.DisplayName.Get() + "\t--" + factor + " " + of.Name + "--")
			}
		}
		return nil
	}, "name", "relative_factor", "relative_uom_id.name")
	u.Compute("factor", factors, "relative_factor", "relative_uom_id.factor")
	u.Compute("rounding", func(env *orm.Env, us []*UoM) error {
		digits, err := base.PrecisionDigits(env, base.ProductUnit)
		for _, u := range us {
			u.Rounding.Set(decimal.New(1, -int32(digits)))
		}
		return err
	})
	u.Check("factor_gt_zero", "relative_factor > 0", "What a unit of measure contains must be more than zero.")
	u.Constrain("relative_factor, relative_uom_id", func(_ *orm.Env, us []*UoM) error {
		for _, u := range us {
			if !u.RelativeUoMID.IsSet() && !u.RelativeFactor.Equal(one) {
				return orm.UserErrorf("“%s” contains %s of which unit? Choose its reference unit.", u.Name, u.RelativeFactor)
			}
		}
		return nil
	})
	u.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, vals orm.Values) error {
			if err := super(rs, vals); err != nil {
				return err
			}
			return invalidate(rs)
		}
	})
	u.OnUnlink(keepMasterData)
}

// factors follows the reference units of a batch. One in the same batch is
// followed in memory, since its own value is not stored yet.
func factors(_ *orm.Env, us []*UoM) error {
	batch := make(map[int64]*UoM, len(us))
	for _, u := range us {
		batch[u.ID] = u
	}
	for _, u := range us {
		u.Factor = u.RelativeFactor
		up := u
		for depth := 0; up.RelativeUoMID.IsSet() && depth <= len(us); depth++ {
			next := batch[up.RelativeUoMID.ID]
			if next == nil {
				u.Factor = u.Factor.Mul(up.RelativeUoMID.Rec().Factor)
				break
			}
			u.Factor, up = u.Factor.Mul(next.RelativeFactor), next
		}
	}
	return nil
}

// invalidate drops what [Get] remembers of units and of all that are measured by
// them.
func invalidate(rs orm.Records) error {
	below, err := rs.In(rs.Env.Sudo().WithContext(map[string]any{"active_test": false})).Search(orm.Leaf("id", "child_of", rs.IDs), orm.SearchOptions{})
	for _, id := range below.IDs {
		rs.Env.Forget(unitKey(id))
	}
	return err
}

// What comes with the addon and may be deleted all the same.
var deletable = []string{"product_uom_hour", "product_uom_dozen", "product_uom_pack_6"}

// keepMasterData refuses to delete the units that come with the addon, since
// other addons name them.
func keepMasterData(super orm.UnlinkFunc) orm.UnlinkFunc {
	return func(rs orm.Records) error {
		if rs.Env.Flag("uninstall", false) {
			return super(rs)
		}
		kept, err := rs.Env.Sudo().Model("ir.model.data").Search(orm.And(orm.Leaf("module", "=", "uom"), orm.Leaf("model", "=", rs.Model.Name),
			orm.Leaf("res_id", "in", rs.IDs), orm.Leaf("name", "not in", deletable)), orm.SearchOptions{Limit: 1})
		if err != nil {
			return err
		}
		if len(kept.IDs) == 0 {
			return super(rs)
		}
		id, err := kept.ValueID("res_id")
		if err != nil {
			return err
		}
		names, err := rs.In(rs.Env.Sudo()).DisplayNames()
		if err != nil {
			return err
		}
		return orm.UserErrorf("“%s” is used by the system and cannot be deleted. You can archive it.", names[id])
	}
}
