package woosim

// batchOps are the single operations a batch route is made of.
type batchOps struct {
	create, update, remove func(*rq) (*response, error)
}

// runBatch carries out create, update and delete entries one after another;
// what fails is reported in its place. The schema is not checked in here.
func (q *rq) runBatch(ops batchOps) (*response, error) {
	n := 0
	for _, k := range []string{"create", "update", "delete"} {
		n += len(q.body.List(k))
	}
	if n > 100 {
		return nil, fail(413, "woocommerce_rest_request_entity_too_large", "Unable to accept more than 100 items for this request.")
	}
	out := &Obj{}
	run := func(kind string, f func(*rq) (*response, error)) {
		entries := q.body.List(kind)
		if len(entries) == 0 {
			return
		}
		list := []any{}
		for _, e := range entries {
			sub := &rq{s: q.s, r: q.r, user: q.user, https: q.https, route: q.route, vars: q.vars, batch: true, query: &Obj{}, params: &Obj{}, body: &Obj{}}
			var id any
			if kind == "delete" {
				id = num(toInt(e))
				sub.id = toInt(e)
				sub.params.Set("force", true)
			} else if o, isObj := e.(*Obj); isObj {
				id = o.Get("id")
				sub.id = o.Int("id")
				sub.body = o
				sub.params = o.clone()
			}
			res, err := f(sub)
			if err != nil {
				api, isAPI := err.(*apiError)
				if !isAPI {
					api = fail(500, "internal_server_error", err.Error())
				}
				if kind == "create" {
					id = num(toInt(id))
				}
				list = append(list, object("id", id, "error", api.obj()))
				continue
			}
			list = append(list, res.body)
		}
		out.Set(kind, list)
	}
	run("create", ops.create)
	run("update", ops.update)
	run("delete", ops.remove)
	if len(out.keys) == 0 {
		return ok([]any{}), nil
	}
	return ok(out), nil
}
