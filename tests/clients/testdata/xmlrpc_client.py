"""What scripts do with Python's own XML-RPC, against the server at HOST PORT DATABASE."""
import datetime
import sys
import xmlrpc.client

url, db = "http://%s:%s" % (sys.argv[1], sys.argv[2]), sys.argv[3]
common = xmlrpc.client.ServerProxy(url + "/xmlrpc/2/common")
models = xmlrpc.client.ServerProxy(url + "/xmlrpc/2/object", allow_none=True)
assert common.version()["server_serie"] == "19.0"
assert common.authenticate(db, "admin", "wrong", {}) is False
uid = common.authenticate(db, "admin", "admin", {})
assert xmlrpc.client.ServerProxy(url + "/xmlrpc/2/db").list() == [db]


def call(model, method, *args, **kw):
    return models.execute_kw(db, uid, "admin", model, method, list(args), kw)


def fails(code, *args, **kw):
    try:
        call(*args, **kw)
    except xmlrpc.client.Fault as fault:
        assert fault.faultCode == code, fault
        return fault.faultString
    raise AssertionError("no fault from %r" % (args,))


name = "Straße & <Söhne> \u2603"
partner = call("res.partner", "create", {"name": name, "color": 7, "partner_latitude": 1.5, "active": True, "ref": None})
[row] = call("res.partner", "read", [partner], ["name", "color", "partner_latitude", "is_company", "ref", "create_date", "country_id", "category_id"])
assert row["name"] == name and row["color"] == 7 and row["partner_latitude"] == 1.5 and row["is_company"] is False and row["ref"] is False
assert datetime.datetime.strptime(row["create_date"], "%Y-%m-%d %H:%M:%S") and row["country_id"] is False and row["category_id"] == []
assert call("res.partner", "search_read", [["id", "=", partner]], fields=["name"], limit=1) == [{"id": partner, "name": name}]
day = datetime.datetime(2026, 2, 3, 4, 5, 6)
sequence = call("ir.cron", "create", {"name": "x", "model_id": call("ir.model", "search", [["model", "=", "res.partner"]])[0], "nextcall": day})
assert call("ir.cron", "read", [sequence], ["nextcall"])[0]["nextcall"] == "2026-02-03 04:05:06"
file = call("ir.attachment", "create", {"name": "a.txt", "datas": xmlrpc.client.Binary(b"hello")})
assert call("ir.attachment", "read", [file], ["datas"])[0]["datas"] == "aGVsbG8="
assert "no_such" in fails(1, "res.partner", "search", [["no_such", "=", 1]])
fails(2, "res.partner", "write", [999999999], {"name": "x"})
fails(4, "res.partner", "_compute_display_name", [partner])
try:
    models.execute_kw(db, uid, "wrong", "res.partner", "search", [[]])
    raise AssertionError("a wrong password is taken")
except xmlrpc.client.Fault as fault:
    assert fault.faultCode == 3, fault
print("done")
