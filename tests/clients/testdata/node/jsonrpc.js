// What programs do with @fernandoslim/odoo-jsonrpc: jsonrpc.js HOST PORT DATABASE KEY
import assert from "node:assert/strict";
import { createRequire } from "node:module";

const { default: OdooJSONRpc } = createRequire(import.meta.url)("@fernandoslim/odoo-jsonrpc");
const [host, port, db, apiKey] = process.argv.slice(2);
const at = { baseUrl: `http://${host}`, port: Number(port), db, username: "admin" };

await assert.rejects(new OdooJSONRpc({ ...at, password: "wrong" }).connect(), Error);
const stranger = new OdooJSONRpc({ ...at, apiKey: "wrong" });
assert.deepEqual(await stranger.connect(), { uid: false });
await assert.rejects(stranger.search("res.partner", []), /connect/);

const byPassword = new OdooJSONRpc({ ...at, password: "admin" });
const info = await byPassword.connect();
assert.equal(info.username, "admin");
assert.equal(info.uid, byPassword.uId);
assert.ok(info.is_system && info.user_context.lang === "en_US" && info.server_version.startsWith("19.0"));

const bySession = new OdooJSONRpc({ baseUrl: at.baseUrl, port: at.port, db, sessionId: byPassword.sessionId });
assert.equal((await bySession.connect()).uid, info.uid);
const byKey = new OdooJSONRpc({ ...at, apiKey });
assert.deepEqual(await byKey.connect(), { uid: info.uid });

for (const odoo of [byPassword, bySession, byKey]) {
  const tag = await odoo.create("res.partner.category", { name: "Retail" });
  assert.equal(await odoo.updateFieldTranslations("res.partner.category", tag, "name", { en_US: "Retailer" }), true);
  const id = await odoo.create("res.partner", { name: "Müller & Söhne", is_company: true, category_id: [[6, 0, [tag]]], child_ids: [[0, 0, { name: "Uwe" }]] });
  assert.deepEqual(await odoo.search("res.partner", [["id", "=", id]]), [id]);
  const [row] = await odoo.read("res.partner", id, ["name", "category_id", "child_ids", "street", "country_id"]);
  assert.deepEqual(row, { id, name: "Müller & Söhne", category_id: [tag], child_ids: row.child_ids, street: false, country_id: false });
  assert.equal(row.child_ids.length, 1);
  assert.equal(await odoo.update("res.partner", id, { city: "Ulm" }), true);
  assert.deepEqual(await odoo.searchRead("res.partner", [["parent_id", "=", id]], ["name", "parent_id"], { limit: 1, order: "name", context: { lang: "en_US" } }),
    [{ id: row.child_ids[0], name: "Uwe", parent_id: [id, "Müller & Söhne"] }]);
  assert.equal((await odoo.getFields("res.partner")).category_id.relation, "res.partner.category");
  assert.equal(await odoo.action("res.partner", "action_archive", [id]), true);
  assert.deepEqual(await odoo.search("res.partner", [["id", "=", id]]), []);

  const name = `mueller_${id}`;
  await odoo.createExternalId("res.partner", id, name);
  assert.equal(await odoo.searchByExternalId(name), id);
  assert.equal((await odoo.readByExternalId(name, ["city"])).city, "Ulm");

  await assert.rejects(odoo.create("res.partner", { is_company: true }), /name/i);
  await assert.rejects(odoo.search("res.partner", [["no_such_field", "=", 1]]), /no_such_field/);
  await assert.rejects(odoo.call_kw("res.partner", "_write", [[id], {}]), /Private methods/);
  await assert.rejects(odoo.update("res.partner", 999999999, { city: "x" }), /999999999/);
  assert.equal(await odoo.deleteByExternalId(name), true);
  await assert.rejects(odoo.searchByExternalId("no_such_id"), /No matching record/);
}

assert.equal(await byPassword.disconnect(), true);
await assert.rejects(bySession.search("res.partner", []), /Session expired/);
console.log("done");
