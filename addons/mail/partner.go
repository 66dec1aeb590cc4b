package mail

import (
	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
)

// PartnerThread gives res.partner its conversation and the history of its most
// telling fields.
type PartnerThread struct {
	orm.Record
	Thread
	ActivityMixin
	Name     string                `orm:"name,tracking"`
	Email    string                `orm:"email,tracking"`
	Phone    string                `orm:"phone,tracking"`
	ParentID orm.Ref[base.Partner] `orm:"parent_id,tracking"`
	UserID   orm.Ref[base.User]    `orm:"user_id,tracking"`
	VAT      string                `orm:"vat,tracking"`
}

// UserNotifications says how a user wants to hear of messages.
type UserNotifications struct {
	orm.Record
	NotificationType string `orm:"notification_type,required,default=email" selection:"email:Handle by Emails,inbox:Handle in Fusion" label:"Notification"`
}

func definePartner(r *orm.Registry) {
	orm.Extend[PartnerThread](r, "res.partner")
	orm.Extend[UserNotifications](r, "res.users")
}
