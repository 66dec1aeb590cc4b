// What programs do with odoo-xmlrpc-ts: xmlrpc.js HOST PORT DATABASE
import assert from "node:assert/strict";
import { OdooAuthenticationError, OdooClient, OdooError } from "odoo-xmlrpc-ts";

const [host, port, db] = process.argv.slice(2);
const login = (username, password) => new OdooClient({ url: `http://${host}:${port}`, db, username, password });

await assert.rejects(login("admin", "wrong").authenticate(), OdooAuthenticationError);
const odoo = login("admin", "admin");
assert.equal((await odoo.version()).server_serie, "19.0");
assert.equal(await odoo.authenticate(), 2);

const name = "Čapek <& synové> ☃";
const id = await odoo.create("res.partner", { name, is_company: true, color: 3, partner_latitude: 1.5 });
assert.deepEqual(await odoo.search("res.partner", [["id", "=", id]], { limit: 1 }), [id]);
assert.equal(await odoo.searchCount("res.partner", [["name", "=", name]]), 1);
assert.deepEqual(await odoo.read("res.partner", [id], ["name", "color", "is_company", "partner_latitude", "ref"]),
  [{ id, name, color: 3, is_company: true, partner_latitude: 1.5, ref: false }]);
assert.equal(await odoo.write("res.partner", [id], { city: "Brno" }), true);
assert.deepEqual(await odoo.searchRead("res.partner", [["city", "=", "Brno"]], { fields: ["city"], order: "id desc", limit: 1 }), [{ id, city: "Brno" }]);
assert.equal((await odoo.fieldsGet("res.partner")).country_id.type, "many2one");
assert.equal(await odoo.execute("res.partner", "action_archive", [[id]]), true);
assert.deepEqual(await odoo.execute("res.partner", "search", [[["id", "=", id]]], { context: { active_test: false } }), [id]);

const fails = (promise, text) => assert.rejects(promise, (error) => error instanceof OdooError && text.test(error.message));
await fails(odoo.write("res.partner", [999999999], { city: "x" }), /999999999/);
await fails(odoo.search("res.partner", [["no_such_field", "=", 1]]), /no_such_field/);
await fails(odoo.execute("res.partner", "_write", [[id], {}]), /Private methods/);
await fails(odoo.create("res.partner", { is_company: true }), /name/i);
await fails(odoo.execute("no.such.model", "search", [[]]), /no\.such\.model/);
assert.equal(await odoo.unlink("res.partner", [id]), true);
console.log("done");
