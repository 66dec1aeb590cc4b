package stock

import (
	"fusion/addons/base"
	"fusion/framework/orm"
)

// Group ties together the transfers and moves that serve one document, such as
// a sales order.
type Group struct {
	orm.Record `orm:"procurement.group" label:"Procurement Group" order:"id desc"`
	Name       string                `orm:"name,required,index" label:"Reference"`
	MoveType   string                `orm:"move_type,required,default=direct" selection:"direct:Partial,one:All at once" label:"Delivery Type"`
	PartnerID  orm.Ref[base.Partner] `orm:"partner_id" label:"Partner"`
	MoveIDs    orm.Many[Move]        `orm:"stock_move_ids,inverse=group_id" label:"Related Stock Moves"`
}

func defineGroup(r *orm.Registry) { orm.Define[Group](r) }
