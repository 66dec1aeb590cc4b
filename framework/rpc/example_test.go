package rpc_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/rpc"
	"fusionsoft.ca/fusion/framework/server"
)

// A program of one's own calls models as an Odoo client does. Errors carry the
// class that client knows, and a message for its user.
func Example() {
	err := ormtest.RunDB(func(db *orm.DB) error {
		s, err := server.New(db, server.Config{Database: "shop", Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Stamp: base.SessionStamp, Context: base.UserContext}})
		if err != nil {
			return err
		}
		rpc.Mount(s)
		for _, call := range []string{
			`"res.users", "search_read", [[["login", "=", "admin"]]], {"fields": ["name", "login"]}`,
			`"res.country", "write", [[1], {"cod": "XX"}]`,
		} {
			r := httptest.NewRequest("POST", "/jsonrpc", strings.NewReader(`{"params": {"service": "object", "method": "execute_kw", "args": ["shop", 2, "admin", `+call+`]}}`))
			r.Header.Set("Content-Type", "application/json")
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			fmt.Println(w.Body)
		}
		return nil
	}, base.Addon())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"id":null,"jsonrpc":"2.0","result":[{"id":2,"login":"admin","name":"Administrator"}]}
	// {"error":{"code":0,"data":{"arguments":["Invalid field 'cod' in 'res.country'"],"context":{},"debug":"builtins.KeyError: Invalid field 'cod' in 'res.country'","message":"Invalid field 'cod' in 'res.country'","name":"builtins.KeyError"},"message":"Odoo Server Error"},"id":null,"jsonrpc":"2.0"}
}

// In Go the same call needs no server.
func ExampleCall() {
	err := ormtest.Run(func(env *orm.Env) error {
		got, err := rpc.Call(env, "res.country", "search_count", []any{[]any{[]any{"code", "=like", "B%"}}}, nil)
		fmt.Println(got, err)
		return nil
	}, base.Addon())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 21 <nil>
}
