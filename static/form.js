// <fusion-form> keeps a form up to date while it is typed in: after a change
// the server is asked what follows from it, and the parts that differ change.
// It also adds and removes lines in place and guards what was typed.
import { ask } from "./ask.js";
import { morph } from "./morph.js";

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
    if (!a || a.target === "_blank" || a.hasAttribute("download") || a.hash && a.pathname === location.pathname || e.ctrlKey || e.metaKey || e.shiftKey || this.leaving) return;
    if (!this.dirty()) { this.leaving = true; return; }
    e.preventDefault();
    if (await ask("What you typed is not saved. Leave it behind?", "Leave")) {
      this.leaving = true;
      location.href = a.href;
    }
  }

  changed(e) {
    this.touched = true;
    if (e.target.type === "file") return;
    if (e.target.name && e.target.name.endsWith("~del")) {
      const row = e.target.closest("tr");
      if (row.nextElementSibling?.classList.contains("more")) row.nextElementSibling.hidden = true;
      row.hidden = true;
    }
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
  // do not overtake one another; of plain ones that wait only one is sent.
  async refresh(what) {
    if (this.busy) {
      this.waiting ||= [];
      if (what !== "refresh" || !this.waiting.includes(what)) this.waiting.push(what);
      return;
    }
    this.busy = true;
    this.toggleAttribute("busy", true);
    try {
      const data = new FormData(this.form);
      for (const [k, v] of [...data]) if (v instanceof File) data.delete(k);
      data.set("_do", what);
      // A relation still being typed is not asked about: its last choice counts.
      const ref = document.activeElement?.closest?.("fusion-ref");
      if (ref && this.form.contains(ref) && ref.unsettled()) data.set(ref.input.name, ref.nm.value);
      const before = new Map([...this.form.elements].map((el) => [el, value(el)]));
      const res = await fetch(this.form.action, { method: "POST", body: data, headers: { Accept: "text/html" } });
      const page = new DOMParser().parseFromString(await res.text(), "text/html");
      const fresh = page.querySelector("fusion-form form");
      if (!fresh) throw new Error("no form in the answer");
      if (!this.leaving) this.take(fresh, before, what);
    } catch (err) {
      if (!this.leaving) console.warn("form not refreshed", err);
    } finally {
      this.busy = false;
      this.toggleAttribute("busy", Boolean(this.waiting?.length));
      if (this.waiting?.length && !this.leaving) this.refresh(this.waiting.shift());
    }
  }

  take(fresh, before, what) {
    const rows = new Set([...this.form.querySelectorAll("tr[data-key]")].map((r) => r.dataset.key));
    // What was typed since the question is newer than the answer.
    const keep = (el) => before.has(el) && before.get(el) !== value(el) && el.type !== "hidden";
    morph(this.form, document.adoptNode(fresh), keep);
    if (what.startsWith("add:")) {
      for (const r of this.form.querySelectorAll("tr[data-key]")) {
        if (!rows.has(r.dataset.key)) r.querySelector("input:not([type=hidden]), select, textarea")?.focus();
      }
    }
  }
}

function value(el) { return el.type === "checkbox" || el.type === "radio" ? el.checked : el.value; }

customElements.define("fusion-form", Form);
