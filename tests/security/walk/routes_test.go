package walk

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"fusionsoft.ca/fusion/framework/server"
)

// routes are the addresses of the server, each with the walk along it, or with
// the reason why nothing can leak there. One that is missing fails
// TestEveryRouteIsWalked.
func routes() map[string]route {
	const constant = "it answers the same to everybody, whatever is in the database"
	return map[string]route{
		"/healthz":                    {no: constant},
		"/readyz":                     {no: constant},
		"/metrics":                    {no: "it counts requests and is for this machine only; the tests of framework/server hold that"},
		"/web/health":                 {no: constant},
		"/web/version":                {no: constant},
		"/json/version":               {no: constant},
		"/web/webclient/version_info": {no: constant},
		"/web/database/list":          {no: "it answers the name of the database, which every client has to give"},
		"/web/session/get_lang_list":  {no: constant},
		"/web/session/check":          {no: "it answers nothing"},
		"/web/session/destroy":        {no: "it answers nothing"},
		"/web/session/logout":         {no: "it redirects to the login"},
		"/web/logout":                 {no: "it redirects to the login"},
		"/":                           {no: "it redirects to /web"},
		"/odoo":                       {no: "it redirects to /web"},
		"/odoo/{link:.+}":             {no: "it redirects to the page that its text alone names, and looks nothing up"},
		"/web/{rest:.*}":              {no: "it answers that there is no such page"},
		"/static/":                    {no: "files of the program"},
		"/woo/webhook/order":          {no: "it takes deliveries and answers one word; the tests of fusion_woocommerce hold that"},
		"/woo/webhook/product":        {no: "as for orders"},
		"/woo/webhook/customer":       {no: "as for orders"},

		"/woo/api/ping":                        {no: "is answered with the key of an instance only; tests/livestore tries it with other keys"},
		"/woo/api/order/{id:[0-9]+}/status":    {no: "as for the ping; a key sees the orders of its own store"},
		"/woo/api/order/{id:[0-9]+}/documents": {no: "as for the status"},
		"/woo/api/order/{id:[0-9]+}/messages":  {no: "as for the status"},
		"/woo/api/document/{token}":            {no: "is answered with a signed token of a minute only"},
		"/woo/search/odoo_products":            {no: "searches with the rights of the user through the record layer, which the walk tries"},
		"/woo/search/woo_products":             {no: "as for the products of the ERP"},
		"/woo/search/mapped":                   {no: "as for the products of the ERP"},

		"/jsonrpc":                             {walk: walkJSONRPC},
		"/xmlrpc/2/{service}":                  {walk: walkXMLRPC},
		"/xmlrpc/{service:common|object|db}":   {walk: walkXMLRPC}, // the same handler
		"/json/2/{model}/{method}":             {walk: walkJSON2},
		"/web/dataset/call_kw":                 {walk: walkCallKw},
		"/web/dataset/call_kw/{path:.+}":       {walk: walkCallKw},
		"/web/dataset/call_button":             {walk: walkCallKw},
		"/web/dataset/call_button/{path:.+}":   {walk: walkCallKw},
		"/web/dataset/resequence":              {walk: walkResequence},
		"/web/session/authenticate":            {walk: walkSession},
		"/web/session/get_session_info":        {walk: walkSession},
		"/web/session/modules":                 {walk: walkSession},
		"/web":                                 {walk: walkHome},
		"/web/login":                           {walk: walkHome},
		"/web/profile":                         {walk: walkProfile},
		"/web/profile/password":                {walk: walkProfile},
		"/web/profile/keys":                    {walk: walkProfile},
		"/web/profile/keys/{id:[0-9]+}/remove": {walk: walkProfile},
		"/web/company":                         {walk: walkCompany},
		"/web/action/{action}":                 {walk: walkActions},
		"/web/model/{model}":                   {walk: walkLists},
		"/web/action/{action}/{id:new|[0-9]+}": {walk: walkActionRecords},
		"/web/model/{model}/{id:new|[0-9]+}":   {walk: walkForms},
		"/web/action/{action}/{id:[0-9]+}/{do:activity|attach|follow|message|unfollow}": {walk: walkChatter},
		"/web/model/{model}/{id:[0-9]+}/{do:activity|attach|follow|message|unfollow}":   {walk: walkChatter},
		"/web/content/{id:[0-9]+}":                 {walk: walkFiles},
		"/web/content/{model}/{id:[0-9]+}/{field}": {walk: walkFiles},
		"/web/image/{model}/{id:[0-9]+}/{field}":   {walk: walkFiles},
		"/web/report/{report}/{ids}":               {walk: walkReports},
		"/report/pdf/{report}/{ids}":               {walk: walkReports},
	}
}

// route is what the walk knows of an address.
type route struct {
	walk func(b *browser)
	no   string
}

// addresses are the templates of the paths a server answers.
func addresses(srv *server.Server) ([]string, error) {
	var out []string
	err := srv.Router.Walk(func(rt *mux.Route, _ *mux.Router, _ []*mux.Route) error {
		path, err := rt.GetPathTemplate()
		if err == nil && !slices.Contains(out, path) {
			out = append(out, path)
		}
		return err
	})
	return out, err
}

func TestEveryRouteIsWalked(t *testing.T) {
	t.Parallel()
	w := &world{t: t, db: plainDB(t)}
	known := routes()
	found, err := addresses(w.serve())
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range found {
		if strings.HasSuffix(path, "/static/") && path != "/static/" {
			continue // files of an addon, the same for everybody
		}
		r, ok := known[path]
		if !ok || r.walk == nil && r.no == "" {
			t.Errorf("The server answers at %s, which the walk does not try. Add it to routes with what could leak there, or with the reason why nothing can.", path)
		}
		delete(known, path)
	}
	for path := range known {
		t.Errorf("The walk knows the address %s, which the server does not answer any more. Remove it from routes.", path)
	}
}

// walkRoutes takes every address once, as a user.
func (w *world) walkRoutes(srv *server.Server, uid int64) {
	b := w.browse(srv, uid)
	done := map[string]bool{}
	for _, path := range sortedKeys(routes()) {
		r := routes()[path]
		if name := fmt.Sprintf("%p", r.walk); r.walk != nil && !done[name] {
			done[name] = true
			r.walk(b)
		}
	}
}

func sortedKeys[T any](m map[string]T) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.SortFunc(out, strings.Compare)
	return out
}
