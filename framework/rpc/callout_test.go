package rpc_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/module"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
)

// phone is a model whose method asks somebody else.
type phone struct {
	orm.Record `orm:"test.phone" label:"Phone"`
	Name       string `orm:"name,required"`
}

var ring = orm.Method[phone]{Name: "action_ring"}

func phones(db **orm.DB) module.Addon {
	return module.Addon{Name: "phones", Version: "19.0.1.0.0", Depends: []string{"base"}, Data: []string{"ir.model.access.csv"}, FS: fstest.MapFS{"ir.model.access.csv": {Data: []byte(
		"id,name,model_id:id,group_id:id,perm_read,perm_write,perm_create,perm_unlink\naccess_phone,phone,model_test_phone,base.group_user,1,1,1,1\n")}}, Define: func(r *orm.Registry) {
		orm.Implement(orm.Define[phone](r), ring, func(env *orm.Env, ps []*phone, args orm.Args) (any, error) {
			heard := ""
			return env.CallOut(&orm.CallOut{
				Title: "Ringing",
				Do: func(ctx context.Context) error {
					if (*db).InUnit(ctx) {
						return fmt.Errorf("a unit of work is open")
					}
					if args.String(0, "number") == "0" {
						return orm.UserErrorf("Nobody answers.")
					}
					heard = "hello"
					return nil
				},
				Then: func(env *orm.Env) (any, error) {
					rs := orm.RecordsOf(env, ps...)
					return rs, rs.Write(orm.Values{"name": fmt.Sprint(heard, " to ", env.UID())})
				},
			})
		})
	}}
}

// Every way of calling follows a method up that calls out, and answers with the
// result it has in the end.
func TestCallsThatCallOut(t *testing.T) {
	t.Parallel()
	var db *orm.DB
	db = ormtest.DB(t, base.Addon(), phones(&db))
	srv, err := server.New(db, server.Config{Database: "shop", Logger: slog.New(slog.DiscardHandler), Auth: *base.Addon().Auth})
	if err != nil {
		t.Fatal(err)
	}
	rpc.Mount(srv)
	l := httptest.NewServer(srv)
	defer l.Close()
	s := &site{t, db, l.URL, nil}
	name := func() (out string) {
		s.run(func(env *orm.Env) error {
			rows, err := env.Model("test.phone").Browse(1).Read("name")
			if err == nil {
				out = fmt.Sprint(rows[0]["name"])
			}
			return err
		})
		return out
	}
	s.run(func(env *orm.Env) error { return orm.Create(env, &phone{Name: "quiet"}) })
	const jsonCall = `{"jsonrpc":"2.0","id":7,"params":{"service":"object","method":"execute_kw","args":["shop",2,"admin","test.phone","action_ring",[[1],"%s"]]}}`
	const xmlCall = `<?xml version="1.0"?><methodCall><methodName>execute_kw</methodName><params><param><value>shop</value></param><param><value><int>2</int></value></param>
<param><value>admin</value></param><param><value>test.phone</value></param><param><value>action_ring</value></param><param><value><array><data><value><array><data>
<value><int>1</int></value></data></array></value><value>%s</value></data></array></value></param></params></methodCall>`
	for _, tc := range []struct{ path, kind, body, answer string }{
		{"/jsonrpc", "application/json", jsonCall, `"result":[1]`},
		{"/xmlrpc/2/object", "text/xml", xmlCall, "<int>1</int>"},
	} {
		s.run(func(env *orm.Env) error { return env.Model("test.phone").Browse(1).Write(orm.Values{"name": "quiet"}) })
		status, text := s.send(http.DefaultClient, tc.path, tc.kind, fmt.Sprintf(tc.body, "0"))
		if status != http.StatusOK || !strings.Contains(text, "Nobody answers.") || name() != "quiet" {
			t.Errorf("%s, failing: %d %s", tc.path, status, text)
		}
		status, text = s.send(http.DefaultClient, tc.path, tc.kind, fmt.Sprintf(tc.body, "1"))
		if status != http.StatusOK || !strings.Contains(text, tc.answer) || name() != "hello to 2" {
			t.Errorf("%s: %d %s, %s", tc.path, status, text, name())
		}
	}
}
