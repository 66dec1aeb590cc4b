package module

import (
	"testing"
	"testing/fstest"
)

// FuzzParse looks for input that makes a parser of data files panic.
func FuzzParse(f *testing.F) {
	f.Add(`<odoo noupdate="1"><data><record id="a" model="m"><field name="x" eval="1"><record/></field></record></data></odoo>`, true)
	f.Add(`<odoo><menuitem id="a"><menuitem id="b" action="c" sequence="x"/></menuitem><template id="t" inherit_id="x">a<b/></template></odoo>`, true)
	f.Add(`<odoo><function model="m" name="f"><value eval="1"/><function model="m" name="g"/></function><delete/></odoo>`, true)
	f.Add("\xef\xbb\xbfid,a/id,b/c/d,e:id\n1,2,\"3\n\",4\n,,x,\n", false)
	f.Fuzz(func(t *testing.T, src string, xml bool) {
		name := "res.partner.csv"
		if xml {
			name = "data.xml"
		}
		file, err := parseFile(fstest.MapFS{name: {Data: []byte(src)}}, "addon", name, false)
		if err == nil && file == nil {
			t.Error("neither a file nor an error")
		}
	})
}
