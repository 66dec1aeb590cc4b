package rpc

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/server"
)

func (h *handler) authenticate(c *server.Context, raw json.RawMessage) (any, error) {
	var p struct {
		DB       *string `json:"db"`
		Login    *string `json:"login"`
		Password *string `json:"password"`
	}
	if err := decode(raw, &p); err != nil {
		return nil, err
	}
	if p.DB == nil || p.Login == nil || p.Password == nil {
		return nil, typeErrorf("authenticate() needs db, login and password")
	}
	if err := h.checkDatabase(*p.DB); err != nil {
		return nil, err
	}
	uid, err := h.s.Config.Auth.Login(c.Env, *p.Login, *p.Password)
	if err != nil {
		return nil, err
	}
	keys, err := h.s.Config.Auth.Context(c.Env.WithUser(uid))
	if err != nil {
		return nil, err
	}
	c.Session.SignIn(uid, *p.Login, keys)
	return h.info(c, c.Env.WithUser(uid).WithContext(keys))
}

func (h *handler) sessionInfo(c *server.Context, _ json.RawMessage) (any, error) {
	return h.info(c, c.Env)
}

// info is what a client learns of its session. What only people of the company
// need is left out for others.
func (h *handler) info(c *server.Context, env *orm.Env) (any, error) {
	out := map[string]any{
		"uid": env.UID(), "is_public": false, "user_context": c.Session.Context, "db": h.s.Config.Database,
		"server_version": release, "server_version_info": []any{18, 0, 0, "final", 0, ""}, "username": c.Session.Login,
		"partner_id": env.PartnerID(), "web.base.url": "", "active_ids_limit": 20000, "max_file_upload_size": h.s.Config.MaxBody, "home_action_id": false,
	}
	if c.Session.Context == nil {
		out["user_context"] = map[string]any{}
	}
	for name, group := range map[string]string{"is_system": "base.group_system", "is_admin": "base.group_erp_manager", "is_internal_user": "base.group_user"} {
		is, err := env.InAnyGroup(group)
		if err != nil {
			return nil, err
		}
		out[name] = is
	}
	user := env.Model(env.Registry().PolicyModels().Users).Browse(env.UID())
	partner := env.Model(user.Model.Fields["partner_id"].Comodel).Browse(env.PartnerID())
	for name, rs := range map[string]orm.Records{"name": user, "partner_display_name": partner} {
		names, err := rs.In(env.Sudo()).DisplayNames()
		if err != nil {
			return nil, err
		}
		out[name] = names[rs.ID()]
	}
	address, set, err := orm.MaybeRow[string](env, orm.SQL("SELECT COALESCE(value, '') FROM ir_config_parameter WHERE key = 'web.base.url'").Reads("ir.config_parameter"))
	if err != nil {
		return nil, err
	}
	if set {
		out["web.base.url"] = address
	}
	if out["is_internal_user"] != true {
		return out, nil
	}
	if out["user_companies"], err = companies(env); err != nil {
		return nil, err
	}
	out["display_switch_company_menu"] = len(env.Companies()) > 1
	out["currencies"], err = currencies(env.Sudo())
	return out, err
}

// companies are those of the user, for a client's switch between them.
func companies(env *orm.Env) (map[string]any, error) {
	mine := env.Companies()
	rows, err := env.Sudo().Model(env.Registry().PolicyModels().Companies).Browse(mine...).ReadWire([]string{"name", "sequence", "parent_id", "child_ids"}, false)
	if err != nil {
		return nil, err
	}
	allowed := map[string]any{}
	for _, r := range rows {
		kids := slices.DeleteFunc(slices.Clone(listed(r["child_ids"])), func(id int64) bool { return !slices.Contains(mine, id) })
		r["child_ids"] = append([]int64{}, kids...)
		allowed[fmt.Sprint(r["id"])] = r
	}
	return map[string]any{"current_company": env.Company(), "allowed_companies": allowed, "disallowed_ancestor_companies": map[string]any{}}, nil
}

// currencies are the active ones, as clients need them to show amounts.
func currencies(env *orm.Env) (map[string]any, error) {
	out := map[string]any{}
	if _, ok := env.Registry().Model("res.currency"); !ok {
		return out, nil
	}
	found, err := env.Model("res.currency").Search(nil, orm.SearchOptions{})
	if err != nil {
		return nil, err
	}
	rows, err := found.ReadWire([]string{"name", "symbol", "position", "decimal_places"}, false)
	for _, r := range rows {
		out[fmt.Sprint(r["id"])] = map[string]any{"name": r["name"], "symbol": r["symbol"], "position": r["position"], "digits": []any{69, r["decimal_places"]}}
	}
	return out, err
}

func (h *handler) destroy(c *server.Context, _ json.RawMessage) (any, error) {
	c.Session.SignOut()
	return nil, nil
}

func (h *handler) modules(c *server.Context, _ json.RawMessage) (any, error) {
	names, err := orm.Rows[string](c.Env, orm.SQL("SELECT name FROM ir_module_module WHERE state = 'installed' ORDER BY name").Reads("ir.module.module"))
	if err != nil {
		return nil, err
	}
	return append([]string{"web"}, names...), nil // web is the client, which is no addon here
}

// resequence numbers records in the order in which they are given.
func (h *handler) resequence(c *server.Context, raw json.RawMessage) (any, error) {
	var p struct {
		Model   *string        `json:"model"`
		IDs     *[]any         `json:"ids"`
		Field   string         `json:"field"`
		Offset  int64          `json:"offset"`
		Context map[string]any `json:"context"`
	}
	p.Field = "sequence"
	if err := admit(c, raw); err != nil {
		return nil, err
	}
	if err := decode(raw, &p); err != nil {
		return nil, err
	}
	if p.Model == nil || p.IDs == nil {
		return nil, typeErrorf("resequence() needs model and ids")
	}
	if _, ok := c.Env.Registry().Model(*p.Model); !ok {
		return nil, errNotFound
	}
	env, err := inContext(c.Env, p.Context)
	if err != nil {
		return nil, err
	}
	rs := env.Model(*p.Model)
	if rs.Model.Fields[p.Field] == nil {
		return false, nil
	}
	ids, err := toIDs(orm.Plain(*p.IDs))
	if err != nil {
		return nil, err
	}
	last := map[int64]int{} // where each is; what is given twice is at its later place
	for i, id := range ids {
		last[id] = i
	}
	for i, id := range ids {
		if last[id] != i {
			continue
		}
		if err := rs.Browse(id).Write(orm.Values{p.Field: p.Offset + int64(i)}); err != nil {
			return nil, err
		}
	}
	return true, nil
}

func (h *handler) callKw(c *server.Context, raw json.RawMessage) (any, error) {
	var p struct {
		Model  *string         `json:"model"`
		Method *string         `json:"method"`
		Args   *[]any          `json:"args"`
		Kwargs *map[string]any `json:"kwargs"`
	}
	if err := admit(c, raw); err != nil {
		return nil, err
	}
	if err := decode(raw, &p); err != nil {
		return nil, err
	}
	if p.Model == nil {
		return nil, errNotFound
	}
	if _, ok := c.Env.Registry().Model(*p.Model); !ok {
		return nil, errNotFound
	}
	if p.Method == nil || p.Args == nil || p.Kwargs == nil {
		return nil, typeErrorf("call_kw() needs model, method, args and kwargs")
	}
	// Only what the call itself carries counts as context, as in Odoo.
	out, err := Call(c.Env.WithOnlyContext(nil), *p.Model, *p.Method, *p.Args, *p.Kwargs)
	if err != nil {
		return nil, err
	}
	if strings.Contains(c.Request.URL.Path, "call_button") {
		if action, ok := out.(map[string]any); ok {
			return completed(action), nil
		}
		return false, nil
	}
	return out, nil
}

// completed gives an action the type and the views that clients expect.
func completed(action map[string]any) map[string]any {
	action = maps.Clone(action)
	if action["type"] == nil {
		action["type"] = "ir.actions.act_window_close"
	}
	modes, _ := action["view_mode"].(string)
	if action["type"] != "ir.actions.act_window" || action["views"] != nil || modes == "" {
		return action
	}
	views := []any{}
	for _, mode := range strings.Split(modes, ",") {
		views = append(views, []any{false, strings.TrimSpace(mode)})
	}
	if view, ok := action["view_id"]; ok && len(views) == 1 {
		views[0].([]any)[0] = view
	}
	action["views"] = views
	return action
}

// json2 is the API with bearer keys: named arguments in, the plain result out,
// or the error's data with a status of HTTP.
func (h *handler) json2(c *server.Context) error {
	kw := map[string]any{}
	if len(bytes.TrimSpace(c.Body)) > 0 {
		if err := admit(c, c.Body); err != nil {
			return err
		}
		d := json.NewDecoder(bytes.NewReader(c.Body))
		d.UseNumber()
		if err := d.Decode(&kw); err != nil {
			return inCall(server.Errorf(http.StatusBadRequest, "The body must be a JSON object of named arguments: %v", err))
		}
	}
	rs, err := c.Env.Lookup(c.Var("model"))
	if err != nil {
		return inCall(server.Errorf(http.StatusNotFound, "The model %q does not exist.", c.Var("model")))
	}
	var pos []any
	ids, given := kw["ids"]
	delete(kw, "ids")
	switch {
	case needsIDs(rs.Model, c.Var("method")):
		if !given {
			ids = []any{}
		}
		pos = append(pos, ids)
	case !nothingIn(ids) && takesNoIDs(rs.Model, c.Var("method")):
		return inCall(server.Errorf(http.StatusUnprocessableEntity, "%s.%s takes no ids.", c.Var("model"), c.Var("method")))
	}
	out, err := Call(c.Env, c.Var("model"), c.Var("method"), pos, kw)
	return told(c, out, err, func(c *server.Context, raw json.RawMessage) error {
		if raw == nil {
			raw = json.RawMessage("null")
		}
		return c.JSON(http.StatusOK, raw)
	})
}

func (h *handler) fail2(c *server.Context, err error) error {
	if he, ok := errors.AsType[*server.HTTPError](err); ok && !isCall(err) {
		return he
	}
	data := h.describe(c, err)["data"]
	if he, ok := errors.AsType[*server.HTTPError](err); ok {
		return c.JSON(he.Status, data)
	}
	if te, ok := errors.AsType[*typeError](err); ok {
		if te.name == noAttribute {
			return c.JSON(http.StatusNotFound, data)
		}
		return c.JSON(http.StatusUnprocessableEntity, data)
	}
	if _, ok := errors.AsType[*orm.Error](err); ok {
		status, _ := h.s.Explain(c, err)
		return c.JSON(status, data)
	}
	return c.JSON(http.StatusInternalServerError, data)
}
