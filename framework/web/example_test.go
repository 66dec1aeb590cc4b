package web_test

import (
	"fmt"
	"net/http/httptest"
	"strings"

	"fusionsoft.ca/fusion/addons/base"
	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/server"
	"fusionsoft.ca/fusion/framework/web"
)

// The back office needs nothing of an addon but its views, menus and actions.
func ExampleMount() {
	err := ormtest.RunDB(func(db *orm.DB) error {
		s, err := server.New(db, server.Config{Auth: server.Auth{Login: base.Authenticate, Program: base.AuthenticateProgram, Password: base.CheckCredentials, Stamp: base.SessionStamp, Context: base.UserContext}})
		if err != nil {
			return err
		}
		web.Mount(s, web.Options{Name: "Workshop"})
		get := func(path string) *httptest.ResponseRecorder {
			w := httptest.NewRecorder()
			r := httptest.NewRequest("GET", path, nil)
			r.Header.Set("Accept", "text/html") // as a browser; programs get JSON
			s.ServeHTTP(w, r)
			return w
		}
		home := get("/web")
		fmt.Println(home.Code, home.Header().Get("Location"))
		login := get("/web/login")
		fmt.Println(login.Code, strings.Contains(login.Body.String(), "Workshop"))
		return nil
	}, base.Addon())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 303 /web/login?redirect=%2Fweb
	// 200 true
}
