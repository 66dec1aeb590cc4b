package chatter

import (
	"strconv"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/route"
)

// number is an id that a form has, 0 for none.
func number(text string) int64 {
	id, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return id
}

// post posts a message or a note.
func post(env *orm.Env, on route.RecordPage) error {
	files, err := store(env, on, orm.Values{}) // the message hangs them on its record
	if err != nil {
		return err
	}
	form := on.Posted()
	body := strings.TrimSpace(form.Get("body"))
	if body == "" && len(files) == 0 {
		return orm.UserErrorf("Write something first.")
	}
	kw := map[string]any{"body": body, "message_type": "comment", "subtype_xmlid": "mail.mt_note", "attachment_ids": files}
	if form.Get("kind") == "send" {
		kw["subtype_xmlid"] = "mail.mt_comment"
	}
	_, err = on.Record().Call("message_post", orm.Args{Kw: kw})
	return err
}

// follow makes the user follow the record, or not any more.
func follow(env *orm.Env, on route.RecordPage, method string) error {
	_, err := on.Record().Call(method, orm.Args{Kw: map[string]any{"partner_ids": []any{env.PartnerID()}}})
	return err
}

// attach adds files to the record, or removes one.
func attach(env *orm.Env, on route.RecordPage) error {
	rs := on.Record()
	if id := number(on.Posted().Get("remove")); id != 0 {
		return env.Model("ir.attachment").Browse(id).Unlink()
	}
	files, err := store(env, on, orm.Values{"res_model": rs.Model.Name, "res_id": rs.ID()})
	if err == nil && len(files) == 0 {
		return orm.UserErrorf("Choose a file first.")
	}
	return err
}

// plan schedules an activity, or finishes or drops one.
func plan(env *orm.Env, on route.RecordPage) error {
	rs, form := on.Record(), on.Posted()
	if id := number(form.Get("done")); id != 0 {
		_, err := env.Model("mail.activity").Browse(id).Call("action_feedback", orm.Args{Kw: map[string]any{"feedback": form.Get("feedback")}})
		return err
	}
	if id := number(form.Get("drop")); id != 0 {
		return env.Model("mail.activity").Browse(id).Unlink()
	}
	model, err := env.Sudo().Model("ir.model").Search(orm.Leaf("model", "=", rs.Model.Name), orm.SearchOptions{Limit: 1})
	if err != nil {
		return err
	}
	vals := orm.Values{"res_model_id": model.ID(), "res_id": rs.ID(), "summary": form.Get("summary"), "date_deadline": form.Get("due")}
	if id := number(form.Get("type")); id != 0 {
		vals["activity_type_id"] = id
	}
	if id := number(form.Get("user")); id != 0 {
		vals["user_id"] = id
	}
	_, err = env.Model("mail.activity").Create(vals)
	return err
}

// store keeps posted files as attachments with the given values.
func store(env *orm.Env, on route.RecordPage, vals orm.Values) ([]any, error) {
	posted, err := on.Files("file")
	if err != nil {
		return nil, err
	}
	ids := []any{}
	for _, f := range posted {
		one := vals.Clone()
		one["name"], one["raw"] = f.Name, f.Content
		made, err := env.Model("ir.attachment").Create(one)
		if err != nil {
			return nil, err
		}
		ids = append(ids, made.ID())
	}
	return ids, nil
}
