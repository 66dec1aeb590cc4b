package mail

import (
	"slices"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// Follower is a partner who gets the messages of a record, of the subtypes
// chosen.
type Follower struct {
	orm.Record `orm:"mail.followers" label:"Document Followers" order:"id" rec:"partner_id"`
	ResModel   string                `orm:"res_model,required,index" label:"Related Document Model Name"`
	ResID      int64                 `orm:"res_id,many2one_reference,model_field=res_model,index" label:"Related Document ID"`
	PartnerID  orm.Ref[base.Partner] `orm:"partner_id,required,index,ondelete=cascade" label:"Related Partner"`
	SubtypeIDs orm.Many[Subtype]     `orm:"subtype_ids,rel=mail_followers_mail_message_subtype_rel:mail_followers_id:mail_message_subtype_id" label:"Subtype"`
	Name       string                `orm:"name,related=partner_id.name,readonly" label:"Name"`
	Email      string                `orm:"email,related=partner_id.email,readonly" label:"Email"`
	IsActive   bool                  `orm:"is_active,related=partner_id.active,readonly" label:"Is Active"`
}

func defineFollowers(r *orm.Registry) {
	f := orm.Define[Follower](r)
	f.Unique("mail_followers_res_partner_res_model_id_uniq", "res_model,res_id,partner_id", "Error, a partner cannot follow twice the same object.")
	f.OnAccess(followerAccess)
}

// followerAccess shows who follows a document to employees who may read it, and
// to people from outside themselves only. It is changed by who may change the
// document, and what one hears of by oneself.
func followerAccess(super orm.AccessFunc) orm.AccessFunc {
	return func(rs orm.Records, op orm.Op) (orm.Domain, error) {
		rules, err := super(rs, op)
		if err != nil {
			return nil, err
		}
		employee, err := rs.Env.InAnyGroup("base.group_user")
		if err != nil {
			return nil, err
		}
		own := orm.And(orm.Leaf("partner_id", "=", rs.Env.PartnerID()), orm.Document("res_id", orm.OpRead))
		switch {
		case op == orm.OpCreate || op == orm.OpUnlink || op == orm.OpRead && employee:
			return orm.And(rules, orm.Document("res_id", op)), nil
		case employee:
			return orm.And(rules, orm.Or(own, orm.Document("res_id", op))), nil
		}
		return orm.And(rules, own), nil
	}
}

// Subscribe makes partners follow records; those who do already keep their
// choice unless subtypes are given. Without subtypes the default ones of the
// model are chosen.
func Subscribe(rs orm.Records, partners []int64, subtypes ...int64) error {
	if rs.Len() == 0 || len(partners) == 0 {
		return nil
	}
	env := rs.Env.Sudo().WithoutDefaults()
	explicit := len(subtypes) > 0
	if !explicit {
		found, err := orm.Kept(env, subtypeKey(rs.Model.Name), func() ([]int64, error) {
			s, err := env.Model("mail.message.subtype").Search(orm.And(orm.Leaf("default", "=", true),
				orm.Leaf("res_model", "in", []any{false, rs.Model.Name})), orm.SearchOptions{})
			return s.IDs, err
		})
		if err != nil {
			return err
		}
		subtypes = found
	}
	old, err := orm.Search[Follower](env, orm.And(orm.Leaf("res_model", "=", rs.Model.Name), orm.Leaf("res_id", "in", rs.IDs), orm.Leaf("partner_id", "in", partners)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	var fresh []orm.Values
	for _, id := range rs.IDs {
		for _, p := range partners {
			i := slices.IndexFunc(old, func(f *Follower) bool { return f.ResID == id && f.PartnerID.ID == p })
			if i < 0 {
				fresh = append(fresh, orm.Values{"res_model": rs.Model.Name, "res_id": id, "partner_id": p, "subtype_ids": []orm.Command{orm.SetIDs(subtypes...)}})
			} else if explicit {
				if err := env.Model("mail.followers").Browse(old[i].ID).Write(orm.Values{"subtype_ids": []orm.Command{orm.SetIDs(subtypes...)}}); err != nil {
					return err
				}
			}
		}
	}
	if len(fresh) == 0 {
		return nil
	}
	_, err = env.Model("mail.followers").Create(fresh...)
	return err
}

type subtypeKey string

// Unsubscribe makes partners stop following records.
func Unsubscribe(rs orm.Records, partners []int64) error {
	if rs.Len() == 0 || len(partners) == 0 {
		return nil
	}
	found, err := rs.Env.Sudo().Model("mail.followers").Search(orm.And(orm.Leaf("res_model", "=", rs.Model.Name),
		orm.Leaf("res_id", "in", rs.IDs), orm.Leaf("partner_id", "in", partners)), orm.SearchOptions{})
	if err != nil {
		return err
	}
	return found.Unlink()
}

// followersOf are the partners that follow a record and want a subtype, with
// an address to send to.
func followersOf(env *orm.Env, model string, id, subtype int64) ([]int64, error) {
	// SQL: a message goes to followers its author may not read.
	return orm.Rows[int64](env, orm.SQL(`SELECT f.partner_id FROM mail_followers f
			JOIN mail_followers_mail_message_subtype_rel r ON r.mail_followers_id = f.id
			JOIN res_partner p ON p.id = f.partner_id
		WHERE f.res_model = ? AND f.res_id = ? AND r.mail_message_subtype_id = ? AND p.active ORDER BY f.id`, model, id, subtype).
		Reads("mail.followers").Reads("res.partner", "active"))
}
