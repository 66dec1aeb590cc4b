package web_test

import (
	"net/http"
	"testing"

	"fusionsoft.ca/fusion/framework/ormtest"
	"fusionsoft.ca/fusion/framework/web"
	"fusionsoft.ca/fusion/framework/web/webtest"
)

// BenchmarkListOf100000 opens lists over 100,000 contacts as a browser does:
// the first page, a late one sorted by a relation, a search, and groups.
func BenchmarkListOf100000(b *testing.B) {
	db := ormtest.DB(b, addons()...)
	site := webtest.Serve(b, db, auth(), web.Options{})
	_, err := db.ExecContext(b.Context(), `INSERT INTO res_partner (name, complete_name, active, type, is_company, city, email, country_id, commercial_partner_id, create_date, write_date)
		SELECT 'Contact ' || n, 'Contact ' || n, true, 'contact', n % 3 = 0, 'City ' || n % 500, 'c' || n || '@x.example', (SELECT min(id) FROM res_country) + n % 200, NULL, now(), now()
		FROM generate_series(1, 100000) n`)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := db.ExecContext(b.Context(), "ANALYZE res_partner"); err != nil {
		b.Fatal(err)
	}
	v := site.Login(b, "admin", "admin")
	for name, path := range map[string]string{
		"first":  "/web/action/contacts",
		"late":   "/web/action/contacts?sort=country_id&p=1000",
		"search": "/web/action/contacts?s=name:Contact+777&set=1",
		"groups": "/web/action/contacts?g=country_id&set=1",
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if p := v.Get(path); p.Status != http.StatusOK {
					b.Fatal(p.Text())
				}
			}
		})
	}
}
