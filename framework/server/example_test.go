package server_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"fusionsoft.ca/fusion/framework/orm"
	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/ormtest/kernel"
	"fusionsoft.ca/fusion/framework/server"
)

// A route is answered inside a unit of work: when the handler returns an error
// nothing it did is stored. It answers through its context only, since it may
// run again when PostgreSQL asks for it.
func ExampleServer_Handle() {
	err := ormtest.RunDB(func(db *orm.DB) error {
		s, err := server.New(db, server.Config{Database: "shop"})
		if err != nil {
			return err
		}
		s.Handle(server.Route{Path: "/shelf/{name}", Methods: []string{"POST"}, Access: server.NoAccess, NoCSRF: true, Handler: func(c *server.Context) error {
			if len(c.Var("name")) > 20 {
				return server.Errorf(http.StatusBadRequest, "The name is too long.")
			}
			made, err := c.Env.Model("ir.ui.menu").Create(orm.Values{"name": c.Var("name")})
			if err != nil {
				return err
			}
			return c.JSON(http.StatusCreated, map[string]any{"id": made.ID(), "by": c.Query("by")})
		}})
		for _, path := range []string{"/shelf/novels?by=ada", "/shelf/a-name-nobody-could-remember", "/nowhere"} {
			w := httptest.NewRecorder()
			s.ServeHTTP(w, httptest.NewRequest("POST", path, nil))
			fmt.Println(w.Code, w.Body)
		}
		return nil
	}, kernel.Addon())
	if err != nil {
		fmt.Println(err)
	}
	// Output:
	// 201 {"by":"ada","id":1}
	// 400 {"error":{"code":400,"message":"The name is too long."}}
	// 404 404 page not found
}
