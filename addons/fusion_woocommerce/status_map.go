package woocommerce

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/addons/fusion_woocommerce/ordermap"
	"fusionsoft.ca/fusion/framework/orm"
)

// StatusMap says what is done with the orders of a store that have some status.
type StatusMap struct {
	orm.Record `orm:"woo.status.map" label:"WooCommerce Order Status" order:"instance_id, id" rec:"status" search:"status"`
	InstanceID orm.Ref[Instance]     `orm:"instance_id,required,index,ondelete=cascade" label:"Instance"`
	CompanyID  orm.Ref[base.Company] `orm:"company_id,related=instance_id.company_id,store" label:"Company"`
	Status     string                `orm:"status" validate:"required" label:"Store Status" help:"As the store's API calls it, such as processing."`
	Action     string                `orm:"action,required,default=wait" selection:"ignore:Ignore,wait:Wait,quotation:Quotation,confirm:Confirm,invoice:Confirm and Invoice,cancel:Cancel" label:"What Is Done" help:"Wait records the order and does nothing until it has another status. A quotation is confirmed by a person. Confirm and Invoice posts the invoice too."`
}

func defineStatusMap(r *orm.Registry) {
	d := orm.Define[StatusMap](r)
	d.Unique("instance_status", "instance_id, status", "This status of the store is listed already.")
	d.OnCreate(func(super orm.CreateFunc) orm.CreateFunc {
		return func(rs orm.Records, list []orm.Values) (orm.Records, error) {
			for i, v := range list {
				list[i] = tidyStatus(v)
			}
			made, err := super(rs, list)
			if err != nil {
				return made, err
			}
			rows, err := orm.Read[StatusMap](rs.Env, made.IDs)
			if err != nil {
				return made, err
			}
			for _, m := range rows {
				if ordermap.Action(m.Action) != ordermap.ActionOf(m.Status) {
					if err := readAgain(rs.Env.Model("woo.instance").Browse(m.InstanceID.ID)); err != nil {
						return made, err
					}
				}
			}
			return made, nil
		}
	})
	d.OnWrite(func(super orm.WriteFunc) orm.WriteFunc {
		return func(rs orm.Records, v orm.Values) error {
			if err := super(rs, tidyStatus(v)); err != nil {
				return err
			}
			return statusesChanged(rs)
		}
	})
	d.OnUnlink(func(super orm.UnlinkFunc) orm.UnlinkFunc {
		return func(rs orm.Records) error {
			if err := statusesChanged(rs); err != nil {
				return err
			}
			return super(rs)
		}
	})
}

func tidyStatus(v orm.Values) orm.Values {
	if _, given := v["status"]; !given {
		return v
	}
	v = v.Clone()
	v["status"] = ordermap.StatusOf(v.Text("status"))
	return v
}

// statusesChanged lets orders be read again whose status is treated differently now.
func statusesChanged(rs orm.Records) error {
	rows, err := orm.Read[StatusMap](rs.Env, rs.IDs)
	if err != nil {
		return err
	}
	ids := map[int64]bool{}
	for _, m := range rows {
		if id := m.InstanceID.ID; !ids[id] {
			ids[id] = true
			if err := readAgain(rs.Env.Model("woo.instance").Browse(id)); err != nil {
				return err
			}
		}
	}
	return nil
}

// classesTaken are the classes of orders that become documents.
var classesTaken = []string{string(ordermap.Import), string(ordermap.Invoice), string(ordermap.Quotation)}

// policy is what the instance decided about statuses, whose map it was read with.
func (i *Instance) policy() ordermap.Policy { return policyOf(i.StatusMaps.All()) }

func policyOf(rows []*StatusMap) ordermap.Policy {
	p := ordermap.Policy{}
	for _, m := range rows {
		p[m.Status] = ordermap.Action(m.Action)
	}
	return p
}

// statusMaps is the status map of an instance as it is now.
func statusMaps(env *orm.Env, inst *Instance) ([]*StatusMap, error) {
	return orm.Memo(env, "woo.statuses:"+itoa(inst.ID), func() ([]*StatusMap, error) {
		return orm.Search[StatusMap](env, orm.Leaf("instance_id", "=", inst.ID), orm.SearchOptions{})
	})
}

// longestStatus is what WordPress keeps of a status, and then some: what is longer is
// none.
const longestStatus = 40

// newStatus is the status of an order if the map does not have it.
func newStatus(rows []*StatusMap, status string) string {
	status = ordermap.StatusOf(status)
	if _, known := policyOf(rows)[status]; known || len(status) > longestStatus {
		return ""
	}
	return status
}

// createStatus lists a status that an order was found in.
func createStatus(env *orm.Env, inst *Instance, status string) error {
	rows, err := statusMaps(env, inst)
	if err != nil || newStatus(rows, status) == "" {
		return err
	}
	env.Forget("woo.statuses:" + itoa(inst.ID))
	_, err = env.Model("woo.status.map").Create(orm.Values{"instance_id": inst.ID, "status": status, "action": string(ordermap.ActionOf(status))})
	return err
}

// addMaps gives new instances what every store has.
func addMaps(env *orm.Env, ids []int64) error {
	for _, id := range ids {
		inst, err := orm.Get[Instance](env, id)
		if err != nil {
			return err
		}
		for _, status := range ordermap.Statuses {
			if err := createStatus(env, inst, status); err != nil {
				return err
			}
		}
	}
	return nil
}
