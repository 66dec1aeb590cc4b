package walk

import (
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
)

// methodArguments are the arguments with which the walk calls the methods of
// models by name, beside the records; none for most. A public method that is
// missing here fails TestWalkIsComplete. What a method may be called with that
// could tell something of hidden records has to be among them.
func methodArguments() map[string]func(k *walker) [][]any {
	none := func(*walker) [][]any { return [][]any{nil} }
	out := map[string]func(k *walker) [][]any{
		"message_post":   func(*walker) [][]any { return [][]any{{"<p>hello</p>"}} },
		"message_notify": func(k *walker) [][]any { return [][]any{{list(k.partner()), "<p>hello</p>", "Subject"}} },
		"message_subscribe": func(k *walker) [][]any {
			return [][]any{{list(k.partner())}, {ids(k.hiddenIn("res.partner"))}}
		},
		"message_unsubscribe": func(k *walker) [][]any { return [][]any{{list(k.partner())}} },
		"activity_schedule":   func(*walker) [][]any { return [][]any{{"mail.mail_activity_data_todo"}} },
		"activity_feedback":   func(*walker) [][]any { return [][]any{{list("mail.mail_activity_data_todo")}} },
		"activity_unlink":     func(*walker) [][]any { return [][]any{{list("mail.mail_activity_data_todo")}} },
		"activity_reschedule": func(*walker) [][]any { return [][]any{{list("mail.mail_activity_data_todo")}} },
		"send_mail": func(k *walker) [][]any {
			return [][]any{{k.w.docs[0]}, {k.w.docs[1]}, {k.w.docs[2]}, {k.w.docs[3]}}
		},
		"has_group":              func(*walker) [][]any { return [][]any{{"base.group_system"}, {"walk.group_b"}} },
		"change_password":        func(*walker) [][]any { return [][]any{{"wrong", "new password"}} },
		"address_get":            func(*walker) [][]any { return [][]any{{list("invoice", "delivery", "contact")}} },
		"find_or_create":         func(*walker) [][]any { return [][]any{{"somebody@example.com"}} },
		"check_object_reference": func(*walker) [][]any { return [][]any{{"base", "user_admin"}, {"base", "partner_admin"}} },
		"check":                  func(*walker) [][]any { return [][]any{{"walk.doc", "read"}, {"ir.rule", "write"}} },
		"get_param":              func(*walker) [][]any { return [][]any{{"web.base.url"}, {"database.uuid"}} },
		"set_param":              func(*walker) [][]any { return [][]any{{"walk", "x"}} },
		"set":                    func(*walker) [][]any { return [][]any{{"walk.doc", "name", "x"}} },
		"next_by_code":           func(*walker) [][]any { return [][]any{{"sale.order"}} },
		"js_assign_outstanding_line": func(k *walker) [][]any {
			return [][]any{{k.someIn("account.move.line")}}
		},
		"js_remove_outstanding_partial": func(k *walker) [][]any {
			return [][]any{{k.someIn("account.partial.reconcile")}}
		},
	}
	for _, name := range strings.Fields(`
		about action_fail action_finish action_show
		action_accept_suggestion action_apply_inventory action_archive action_assign action_cancel action_clear_inventory_quantity action_confirm
		action_create_payments action_create_returns action_create_returns_all action_done action_draft action_feedback
		action_fetch_products action_generate_api_key action_ignore action_import action_lock action_open_quants action_open_record action_post
		action_quotation_sent action_register_payment action_register_webhooks action_resolve action_retry action_reverse action_see_returns
		action_set_inventory_quantity action_sync_now action_test_connection action_unarchive action_uninstall action_unlock action_unmap
		action_update_prices action_update_taxes action_validate action_view_delivery action_view_errors action_view_invoice action_view_mapped
		action_view_orders action_view_sale action_view_sale_order action_view_sales action_view_source_sale_orders action_view_stock_move_lines
		action_view_unmapped api_key_wizard button_add_to_order button_cancel button_draft button_immediate_install button_immediate_uninstall
		button_immediate_upgrade button_install button_install_cancel button_scrap button_uninstall button_uninstall_cancel button_uninstall_wizard
		button_upgrade button_upgrade_cancel button_validate cancel context_get create_invoices create_product_variant do_scrap do_unreserve
		get_action_picking_tree_ready get_action_picking_tree_waiting get_installed make_key mark_outgoing method_direct_trigger modify_moves
		next_by_id process process_cancel_backorder process_email_queue reconcile refund_moves remove remove_move_reconcile run_scheduler send
		test_smtp_connection toggle_active update_list view_draft_invoices
		action_book action_doctor action_go_live action_hold action_pause action_push action_push_completed action_push_shipping action_release action_reopen
		action_use_odoo action_use_own action_use_woo action_view_credit_note action_withdraw`) {
		out[name] = none
	}
	return out
}

// methodNames are the public methods of the models, with the models that have
// them.
func methodNames(reg *orm.Registry) map[string][]string {
	out := map[string][]string{}
	for _, m := range reg.Models() {
		for _, name := range m.Methods() {
			if !strings.HasPrefix(name, "_") && !m.Abstract {
				out[name] = append(out[name], m.Name)
			}
		}
	}
	return out
}

// own calls the model's own methods.
func (k *walker) own() {
	arguments := methodArguments()
	for _, name := range k.m.Methods() {
		if strings.HasPrefix(name, "_") || arguments[name] == nil {
			continue
		}
		for _, args := range arguments[name](k) {
			if k.m.OnModel(name) {
				k.call(name, args, nil)
				continue
			}
			for _, id := range k.visible(2) {
				k.call(name, append(list(list(id)), args...), nil)
				k.call(name, append(list(list(id)), args...), map[string]any{"context": map[string]any{"active_model": k.m.Name, "active_ids": ids(k.hidden(1))}})
			}
			if hidden := k.hidden(2); len(hidden) > 0 {
				k.refused(name, append(list(ids(hidden)), args...), nil)
			}
		}
	}
}

func (k *walker) partner() int64 { return k.s.v.partner }

// someIn is a record of another model, seen or not.
func (k *walker) someIn(model string) int64 { return k.w.some(k.w.ref.ids[model]) }

// hiddenIn are some records of another model that are hidden.
func (k *walker) hiddenIn(model string) []int64 {
	hidden := slices.DeleteFunc(slices.Clone(k.w.ref.ids[model]), func(id int64) bool { return k.s.readable[model][id] })
	return hidden[:min(2, len(hidden))]
}
