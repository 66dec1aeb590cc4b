// <fusion-form> keeps a form up to date while it is typed in: after a change
// the server is asked what follows from it, and the parts that differ are
// replaced. It also adds and removes lines in place and guards what was typed.
import { ask } from "./ask.js";

class Form extends HTMLElement {
  connectedCallback() {
    this.form = this.querySelector("form");
    if (!this.form || this.dataset.edit !== "true") return;
    this.clean = this.state();
    this.addEventListener("change", (e) => this.changed(e));
    this.addEventListener("click", (e) => this.click(e));
    this.form.addEventListener("submit", () => { this.leaving = true; });
    this.guard = (e) => { if (!this.leaving && this.dirty()) e.preventDefault(); };
    window.addEventListener("beforeunload", this.guard);
    this.links = (e) => this.follow(e);
    document.addEventListener("click", this.links);
    this.first();
  }

  disconnectedCallback() {
    window.removeEventListener("beforeunload", this.guard);
    document.removeEventListener("click", this.links);
  }

  first() {
    if (document.activeElement && document.activeElement !== document.body) return;
    const wrong = this.form.querySelector("[aria-invalid=true]");
    const start = wrong || this.form.querySelector("h1 input, input:not([type=hidden], [type=checkbox], [type=radio], [type=file]), textarea, select");
    start?.focus({ preventScroll: !wrong });
  }

  state() {
    const parts = [];
    for (const [k, v] of new FormData(this.form)) {
      if (k.startsWith("f.")) parts.push(k + "=" + (v instanceof File ? v.name : v));
    }
    return parts.join("\n");
  }

  dirty() { return this.touched || this.state() !== this.clean; }

  async follow(e) {
    const a = e.target.closest("a[href]");
    if (!a || a.target === "_blank" || a.hash && a.pathname === location.pathname || e.ctrlKey || e.metaKey || this.leaving) return;
    if (!this.dirty()) { this.leaving = true; return; }
    e.preventDefault();
    if (await ask("What you typed is not saved. Leave it behind?", "Leave")) {
      this.leaving = true;
      location.href = a.href;
    }
  }

  changed(e) {
    if (e.target.type === "file") { this.touched = true; return; }
    if (e.target.name && e.target.name.endsWith("~del")) {
      const row = e.target.closest("tr");
      if (row.nextElementSibling?.classList.contains("more")) row.nextElementSibling.hidden = true;
      row.hidden = true;
    }
    this.touched = true;
    this.refresh("refresh");
  }

  click(e) {
    const b = e.target.closest("button[data-inline]");
    if (!b) return;
    e.preventDefault();
    this.touched = true;
    this.refresh(b.value);
  }

  // refresh posts what is typed and takes over what follows from it. Requests
  // do not overtake one another; of several that wait only the last is sent.
  async refresh(what) {
    if (this.busy) { this.next = what === "refresh" ? this.next || what : what; return; }
    this.busy = true;
    try {
      const data = new FormData(this.form);
      for (const [k, v] of [...data]) if (v instanceof File) data.delete(k);
      data.set("_do", what);
      const before = this.values();
      const res = await fetch(this.form.action, { method: "POST", body: data, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await res.text(), "text/html");
      const fresh = page.querySelector("fusion-form form");
      if (!fresh) throw new Error("no form in the answer");
      this.take(fresh, before, what);
    } catch (err) {
      console.warn("form not refreshed", err);
    } finally {
      this.busy = false;
      if (this.next) { const n = this.next; this.next = null; this.refresh(n); }
    }
  }

  values() {
    const out = new Map();
    for (const el of this.form.elements) if (el.name) out.set(el.name + "|" + (el.type === "checkbox" || el.type === "radio" ? el.value : ""), this.value(el));
    return out;
  }

  value(el) { return el.type === "checkbox" || el.type === "radio" ? el.checked : el.value; }

  // take replaces the form, keeping the focus, the files chosen, what was
  // typed meanwhile, and which parts are folded out.
  take(fresh, before, what) {
    const active = document.activeElement;
    const at = this.form.contains(active) ? active.name || active.id : null;
    const caret = at && "selectionStart" in active ? [active.selectionStart, active.selectionEnd] : null;
    const typed = new Map();
    for (const el of this.form.elements) {
      const key = el.name + "|" + (el.type === "checkbox" || el.type === "radio" ? el.value : "");
      if (el.name && el.type !== "file" && el.type !== "hidden" && before.get(key) !== this.value(el)) typed.set(key, this.value(el));
    }
    const files = [...this.form.querySelectorAll("input[type=file]")].filter((i) => i.files.length);
    const open = [...this.form.querySelectorAll("tr.more details[open]")].map((d) => d.closest("tr").previousElementSibling?.dataset.key);
    const rows = new Set([...this.form.querySelectorAll("tr[data-key]")].map((r) => r.dataset.key));
    this.form.replaceChildren(...fresh.childNodes);
    for (const f of files) this.form.querySelector(`input[type=file][name="${CSS.escape(f.name)}"]`)?.replaceWith(f);
    for (const el of this.form.elements) {
      const key = el.name + "|" + (el.type === "checkbox" || el.type === "radio" ? el.value : "");
      if (!typed.has(key)) continue;
      if (el.type === "checkbox" || el.type === "radio") el.checked = typed.get(key);
      else el.value = typed.get(key);
    }
    for (const key of open) if (key) this.form.querySelector(`tr[data-key="${CSS.escape(key)}"] + tr.more details`)?.setAttribute("open", "");
    if (what.startsWith("add:")) {
      for (const r of this.form.querySelectorAll("tr[data-key]")) {
        if (!rows.has(r.dataset.key)) r.querySelector("input:not([type=hidden]), select, textarea")?.focus();
      }
    } else if (at) {
      const el = [...this.form.elements].find((x) => x.name === at || x.id === at);
      el?.focus({ preventScroll: true });
      if (el && caret && caret[0] !== null && el.setSelectionRange && /^(text|search|tel|url|password|textarea)$/.test(el.type)) el.setSelectionRange(...caret);
    }
  }
}

customElements.define("fusion-form", Form);
