// morph makes one element like another by changing only what differs, so that
// elements keep their focus, their place under a pressed mouse button, and
// what was chosen in them. keep(el) says that the value of an input is newer
// than the one that comes in.
export function morph(old, fresh, keep) {
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType !== Node.ELEMENT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  if (old.morph) { // a custom element knows better
    attributes(old, fresh);
    old.morph(fresh, keep);
    return;
  }
  if (old.type === "file") return;
  const open = old.nodeName === "DETAILS" && old.open;
  attributes(old, fresh);
  if (open) old.open = true;
  children(old, fresh, keep);
  if (!keep(old)) value(old, fresh);
}

export function value(old, fresh) {
  if (old.nodeName === "INPUT") {
    if (old.type === "checkbox" || old.type === "radio") old.checked = fresh.checked;
    else if (old.value !== fresh.value) old.value = fresh.value;
  } else if (old.nodeName === "TEXTAREA" || old.nodeName === "SELECT") {
    if (old.value !== fresh.value) old.value = fresh.value;
  }
}

export function attributes(old, fresh) {
  for (const a of [...old.attributes]) if (!fresh.hasAttribute(a.name) && !(old.morph && a.name !== "data-domain" && a.name !== "data-context")) old.removeAttribute(a.name);
  for (const a of fresh.attributes) if (old.getAttribute(a.name) !== a.value) old.setAttribute(a.name, a.value);
}

// key tells which elements are the same one.
function key(n) {
  if (n.nodeType !== Node.ELEMENT_NODE) return null;
  const el = n;
  if (el.id) return "#" + el.id;
  if (el.dataset?.key) return "row" + el.dataset.key;
  if (el.name && el.form) return el.name + "|" + (el.type === "checkbox" || el.type === "radio" || el.nodeName === "BUTTON" || el.name.endsWith("~rows") ? el.value : "");
  const named = el.querySelector?.("[id], [name]");
  if (named) return ">" + (named.id || named.name + "|" + (named.type === "hidden" || named.nodeName === "BUTTON" ? named.value : ""));
  return null;
}

function children(old, fresh, keep) {
  const known = new Map();
  for (const c of old.childNodes) {
    const k = key(c);
    if (k && !known.has(k)) known.set(k, c);
  }
  let at = old.firstChild;
  for (const f of [...fresh.childNodes]) {
    const k = key(f);
    let match = k ? known.get(k) : null;
    if (match && match.parentNode !== old) match = null;
    if (!match && !k && at && !key(at) && at.nodeName === f.nodeName) match = at;
    if (match && match.nodeName === f.nodeName) {
      if (match !== at) old.insertBefore(match, at);
      else at = at.nextSibling;
      known.delete(k);
      morph(match, f, keep);
    } else {
      old.insertBefore(f, at);
    }
  }
  while (at) {
    const next = at.nextSibling;
    at.remove();
    at = next;
  }
}
