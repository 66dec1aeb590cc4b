package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/report"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web/action"
	"fusionsoft.ca/fusion/framework/web/address"
	"fusionsoft.ca/fusion/framework/web/convert"
	"fusionsoft.ca/fusion/framework/web/render"
	"fusionsoft.ca/fusion/framework/web/viewdata"
)

// follow goes where the result of a method leads: an action given as a
// dictionary, or back.
func (p *page) follow(result any, back address.Address) error {
	if out, ok := orm.ToFollowUp(result); ok {
		return p.callOut(out, back)
	}
	d, ok := convert.Expr(result).(map[string]any)
	if !ok || result == nil {
		return p.Redirect(http.StatusSeeOther, back.URL())
	}
	switch kind := convert.Text(d["type"]); kind {
	case "ir.actions.act_window_close":
		p.tellEffect(d)
		return p.Redirect(http.StatusSeeOther, p.closed(back).URL())
	case "ir.actions.act_window":
		to, err := p.AddressOf(d)
		if err != nil {
			return err
		}
		to.Up = p.under(back)
		return p.Redirect(http.StatusSeeOther, back.KeepMenu(to).URL())
	case "ir.actions.client":
		return p.followClient(d, back)
	case "ir.actions.act_url":
		return p.openURL(convert.Text(d["url"]))
	case "ir.actions.report":
		ids := convert.IDs(d["active_ids"])
		if ctx, ok := d["context"].(map[string]any); ok && len(ids) == 0 {
			ids = convert.IDs(ctx["active_ids"])
		}
		if len(ids) == 0 {
			ids = convert.IDs(d["docids"])
		}
		if len(ids) == 0 {
			ids = convert.IDs(p.env().Key("active_ids"))
		}
		return p.Redirect(http.StatusSeeOther, reportURL(convert.Text(d["report_name"]), ids))
	case "":
		return p.Redirect(http.StatusSeeOther, back.URL())
	default:
		return server.Errorf(http.StatusNotImplemented, "Actions of the kind %s are not built.", kind)
	}
}

// callOut follows up a method that calls out, and goes on with its result. A
// failure that is meant for the user is told where he was.
func (p *page) callOut(out *orm.CallOut, back address.Address) error {
	var failure *orm.Error
	call := *out
	call.Do = func(ctx context.Context) error {
		err := out.Do(ctx)
		if failure = viewdata.UserError(err); failure != nil {
			return nil
		}
		return err
	}
	call.Then = func(env *orm.Env) (any, error) {
		if failure != nil {
			return nil, nil
		}
		return out.Then(env)
	}
	return p.Continue(&call, func(c *server.Context, result any) error {
		q := p.w.newPage(c)
		q.at, q.title, q.dialog, q.form = p.at, p.title, p.dialog, p.form
		if failure != nil {
			q.Session.Tell(server.Note{Kind: "danger", Text: failure.Message})
			return q.Redirect(http.StatusSeeOther, back.URL())
		}
		if q.dialog && !isAction(result) {
			return q.Redirect(http.StatusSeeOther, q.closed(back).URL())
		}
		return q.follow(result, back)
	})
}

// under are the pages above one that a button opens from here. A dialog that
// leads on gives way to what it leads to.
func (p *page) under(back address.Address) []string {
	if p.dialog {
		return slices.Clone(back.Up)
	}
	return back.Trail()
}

// closed is where one is after a dialog, and the page itself outside of one.
func (p *page) closed(back address.Address) address.Address {
	if !p.dialog {
		return back
	}
	if up, ok := back.Parent(); ok {
		return up
	}
	kind, rest, _ := strings.Cut(back.Path, "/")
	key, _, _ := strings.Cut(rest, "/")
	if act, err := p.Load(address.Address{Path: kind + "/" + key}); err == nil && !act.Dialog {
		return address.Address{Path: kind + "/" + key}
	}
	return address.Address{}
}

// tellEffect shows the message an action carries.
func (p *page) tellEffect(d map[string]any) {
	if effect, ok := d["effect"].(map[string]any); ok && convert.Text(effect["message"]) != "" {
		p.Session.Tell(server.Note{Kind: "success", Text: convert.Text(effect["message"])})
	}
}

func (p *page) followClient(d map[string]any, back address.Address) error {
	params, _ := d["params"].(map[string]any)
	switch tag := convert.Text(d["tag"]); tag {
	case "display_notification":
		kind := convert.Text(params["type"])
		if kind == "" {
			kind = "info"
		}
		p.Session.Tell(server.Note{Kind: kind, Title: convert.Text(params["title"]), Text: noteText(params)})
		if next, ok := params["next"].(map[string]any); ok {
			return p.follow(next, back)
		}
		return p.Redirect(http.StatusSeeOther, back.URL())
	case "reload", "soft_reload":
		return p.Redirect(http.StatusSeeOther, p.closed(back).URL())
	case "home":
		return p.Redirect(http.StatusSeeOther, "/web")
	default:
		if p.w.Pages[tag] == nil {
			return server.Errorf(http.StatusNotImplemented, "The page “%s” is not part of this program.", tag)
		}
		if id := convert.ID(d["id"]); id != 0 {
			return p.Redirect(http.StatusSeeOther, address.Address{Path: fmt.Sprintf("action/%d", id), Up: p.under(back)}.URL())
		}
		found, err := p.env().Sudo().Model("ir.actions.client").Search(orm.Leaf("tag", "=", tag), orm.SearchOptions{Limit: 1})
		if err != nil {
			return err
		}
		if found.Len() == 0 {
			return server.Errorf(http.StatusNotImplemented, "No action opens the page “%s”.", tag)
		}
		return p.Redirect(http.StatusSeeOther, address.Address{Path: fmt.Sprintf("action/%d", found.ID()), Up: p.under(back)}.URL())
	}
}

// noteText is the message of a notification, its links named in the text.
func noteText(params map[string]any) string {
	text := convert.Text(params["message"])
	if links, ok := params["links"].([]any); ok {
		for _, l := range links {
			if m, ok := l.(map[string]any); ok {
				text = strings.Replace(text, "%s", convert.Text(m["label"]), 1)
			}
		}
	}
	return text
}

func reportURL(name string, ids []int64) string {
	texts := make([]string, len(ids))
	for i, id := range ids {
		texts[i] = fmt.Sprint(id)
	}
	return "/web/report/" + url.PathEscape(name) + "/" + strings.Join(texts, ",")
}

// report prints records the user may read, as the report action of that name
// says.
func (p *page) report() error {
	var ids []int64
	for _, s := range strings.Split(p.Var("ids"), ",") {
		if id := convert.ID(s); id > 0 && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || len(ids) > maxPrint {
		return server.Errorf(http.StatusBadRequest, "Choose between 1 and %d records to print.", maxPrint)
	}
	act, err := p.Report(orm.Leaf("report_name", "=", p.Var("report")))
	if err != nil {
		return err
	}
	rs, err := p.env().Lookup(convert.Text(act["model"]))
	if err != nil {
		return err
	}
	rs = rs.Browse(ids...)
	if err := rs.CheckAccess(orm.OpRead); err != nil {
		return err
	}
	content, err := report.Render(rs, convert.Text(act["report_name"]))
	if err != nil {
		return err
	}
	name := convert.Text(act["name"])
	if len(ids) == 1 {
		names, err := rs.DisplayNames()
		if err != nil {
			return err
		}
		name += " " + names[ids[0]]
	}
	return p.sendFile(name+".pdf", "application/pdf", content, p.Query("download") == "")
}

const maxPrint = 1000 // records of one document

// askToRun is the page of a server action opened by its address: it runs on a
// post only, as it may change things.
func (p *page) askToRun(act *action.Action) error {
	p.title = act.Name
	return p.show("confirm", confirmView{Question: fmt.Sprintf("Run “%s”?", act.Name), Action: p.at.URL(), Yes: "Run", Hidden: []render.Hidden{{Name: "_do", Value: "run"}}, Back: p.backURL()})
}

// confirmView asks before something is done, for browsers without JavaScript.
type confirmView struct {
	Question string
	Action   string
	Hidden   []render.Hidden
	Yes      string
	Danger   bool
	Back     string
}

func (p *page) backURL() string {
	if up, ok := p.at.Parent(); ok {
		return up.URL()
	}
	return "/web"
}

// confirm asks for what the posted form wants done; all it carried is posted
// again with the answer.
func (p *page) confirm(question, yes string, danger bool, back string) error {
	form := url.Values{}
	for k, v := range p.form {
		form[k] = v
	}
	form.Set(address.ConfirmParam, "1")
	return p.show("confirm", confirmView{Question: question, Action: p.at.URL(), Hidden: render.HiddenInputs(form), Yes: yes, Danger: danger, Back: back})
}
