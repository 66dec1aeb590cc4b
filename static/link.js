// Links in Odoo's older form, /web#id=5&model=res.partner, name the page behind a sign
// that the server never gets to see.
function page(hash) {
  const wanted = new URLSearchParams(hash.slice(1));
  const [id, model, action] = ["id", "model", "action"].map((k) => wanted.get(k) || "");
  const known = /^[\w.]+$/;
  const path = known.test(model) ? `/web/model/${model}` : known.test(action) ? `/web/action/${action}` : "";
  return path && /^\d+$/.test(id) ? `${path}/${id}` : path;
}

const to = page(location.hash);
if (to && location.pathname === "/web") location.replace(to);
if (to && location.pathname === "/web/login") document.querySelector("input[name=redirect]").value = to;
