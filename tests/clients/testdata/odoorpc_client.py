"""What programs do with OdooRPC, against the server at HOST PORT DATABASE."""
import sys

import odoorpc

host, port, database = sys.argv[1], int(sys.argv[2]), sys.argv[3]


def fails(kind, fn, *args, **kwargs):
    """The exception of a call that must fail with an error of that kind."""
    try:
        fn(*args, **kwargs)
    except odoorpc.error.RPCError as exc:
        name = exc.info["data"]["name"]
        assert name == kind, (name, exc.info)
        assert exc.info["message"] == "Odoo Server Error" and exc.info["code"] == 0, exc.info
        return exc
    raise AssertionError("no error from %r %r" % (args, kwargs))


odoo = odoorpc.ODOO(host, port=port)
assert odoo.version.startswith("19.0"), odoo.version
assert odoo.db.list() == [database], odoo.db.list()
try:
    odoo.login(database, "admin", "wrong")
    raise AssertionError("a wrong password is let in")
except odoorpc.error.RPCError:
    pass
odoo.login(database, "admin", "admin")
assert odoo.env.user.login == "admin", odoo.env.user.login
assert odoo.env.uid == odoo.env.user.id
assert odoo.env.lang == "en_US", odoo.env.context
assert odoo.env.user.company_id.currency_id.name == "USD"

Partner = odoo.env["res.partner"]
tag = odoo.env["res.partner.category"].create({"name": "Wholesale"})
company = Partner.create({"name": "Harbour Books", "is_company": True, "city": "Kiel", "category_id": [(6, 0, [tag])]})
child, other = Partner.create([
    {"name": "Ida", "parent_id": company, "type": "invoice"},
    {"name": "Ole", "parent_id": company},
])
assert sorted(Partner.search([("parent_id", "=", company)])) == sorted([child, other])
assert Partner.search_count([("parent_id", "=", company)]) == 2

record = Partner.browse(company)
assert record.name == "Harbour Books" and record.is_company is True and record.street is False
assert record.category_id.ids == [tag] and [c.name for c in record.category_id] == ["Wholesale"]
assert sorted(c.name for c in record.child_ids) == ["Ida", "Ole"]
assert record.child_ids[0].parent_id == record
assert record.create_date.year >= 2020

record.name = "Harbour Books & Maps"          # written at once
record.country_id = odoo.env.ref("base.de")
assert Partner.read([company], ["name", "country_id"])[0]["country_id"][1] == "Germany"
record.child_ids -= other                       # the operators of OdooRPC become commands
assert record.child_ids.ids == [child], record.child_ids
record.category_id = [(5, 0, 0)]
assert not record.category_id

odoo.config["auto_commit"] = False
record.city = "Lübeck"
assert Partner.read([company], ["city"])[0]["city"] == "Kiel"
odoo.env.commit()
assert Partner.read([company], ["city"])[0]["city"] == "Lübeck"
odoo.config["auto_commit"] = True

with_context = Partner.with_context(active_test=False)
Partner.browse(other).active = False
assert Partner.search([("id", "=", other)]) == [] and with_context.search([("id", "=", other)]) == [other]
names = dict(Partner.name_search("Harbour"))
assert names[company] == "Harbour Books & Maps", names
assert odoo.execute("res.partner", "search", [("id", "=", company)]) == [company]
assert odoo.execute_kw("res.partner", "search_read", [[("id", "=", company)]], {"fields": ["name"]}) == [{"id": company, "name": "Harbour Books & Maps"}]

fails("builtins.ValueError", Partner.search, [("no_such_field", "=", 1)])
fails("odoo.exceptions.MissingError", Partner.write, [999999999], {"name": "x"})
error = fails("odoo.exceptions.ValidationError", Partner.create, {"is_company": True})
assert "name" in str(error).lower(), error
fails("odoo.exceptions.AccessError", odoo.execute, "res.partner", "_compute_display_name", [company])
fails("odoo.exceptions.UserError", odoo.execute, "no.such.model", "search", [])

user = odoo.env["res.users"].create({"name": "Clerk", "login": "clerk", "password": "clerk-pass"})
clerk = odoorpc.ODOO(host, port=port)
clerk.login(database, "clerk", "clerk-pass")
assert clerk.env.user.id == user
fails("odoo.exceptions.AccessError", clerk.env["ir.config_parameter"].search, [])
fails("odoo.exceptions.AccessError", clerk.env["res.users"].create, {"name": "x", "login": "x"})

Partner.unlink([child])
assert Partner.search([("id", "=", child)]) == []
answer = odoo.json("/web/session/get_session_info", {})
assert answer["result"]["username"] == "admin" and answer["result"]["db"] == database
assert odoo.logout() is True
try:
    odoo.json("/web/dataset/call_kw", {"model": "res.partner", "method": "search", "args": [[]], "kwargs": {}})
    raise AssertionError("the session outlives its logout")
except odoorpc.error.RPCError as exc:
    assert exc.info["code"] == 100, exc.info
print("done")
