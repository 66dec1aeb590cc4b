// <fusion-ref> makes the text input of a relation a search box. It keeps the
// hidden inputs ~id and ~nm, by which the server knows that the text stands for
// a certain record.
import { call } from "./rpc.js";

let serial = 0;

class Ref extends HTMLElement {
  connectedCallback() {
    if (this.ready) return;
    this.ready = true;
    this.input = this.querySelector("input:not([type=hidden])");
    this.id_ = this.querySelector("input[name$='~id']");
    this.nm = this.querySelector("input[name$='~nm']");
    this.input.removeAttribute("list");
    this.list = document.createElement("div");
    this.list.className = "ref-list";
    this.list.role = "listbox";
    this.list.id = `ref-${++serial}`;
    this.list.hidden = true;
    this.append(this.list);
    for (const [k, v] of Object.entries({ role: "combobox", "aria-autocomplete": "list", "aria-expanded": "false", "aria-controls": this.list.id })) {
      this.input.setAttribute(k, v);
    }
    this.input.addEventListener("input", () => this.later());
    this.input.addEventListener("focus", () => this.input.select());
    this.input.addEventListener("click", () => this.search());
    this.input.addEventListener("keydown", (e) => this.key(e));
    this.input.addEventListener("blur", () => setTimeout(() => this.leave(), 150));
    this.input.addEventListener("change", (e) => { if (!this.list.hidden) e.stopPropagation(); });
    this.list.addEventListener("pointerdown", (e) => {
      const o = e.target.closest("[role=option]");
      if (o) { e.preventDefault(); this.choose(o); }
    });
  }

  // unsettled: the text stands for no record yet.
  unsettled() { return this.nm && this.input.value.trim() !== this.nm.value; }

  // morph takes over a fresh version of itself, unless it is being typed in.
  morph(fresh, keep) {
    const input = fresh.querySelector("input:not([type=hidden])");
    for (const a of ["aria-invalid", "aria-describedby", "aria-required", "placeholder"]) {
      if (input.hasAttribute(a)) this.input.setAttribute(a, input.getAttribute(a));
      else this.input.removeAttribute(a);
    }
    if (document.activeElement === this.input && (this.unsettled() || keep(this.input))) return;
    if (keep(this.input)) return;
    this.input.value = input.value;
    for (const end of ["~id", "~nm"]) {
      const mine = this.querySelector(`input[name$='${end}']`), theirs = fresh.querySelector(`input[name$='${end}']`);
      if (mine && theirs) mine.value = theirs.value;
    }
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.search(), 180);
  }

  async search() {
    const text = this.input.value.trim();
    const known = this.nm && this.nm.value === text;
    const turn = (this.turn = (this.turn || 0) + 1);
    let found;
    try {
      const context = this.dataset.context ? JSON.parse(this.dataset.context) : {};
      found = await call(this.dataset.model, "name_search", [], { name: known ? "" : text, domain: JSON.parse(this.dataset.domain || "[]"), limit: 8, context });
    } catch (e) {
      found = [];
      this.input.title = e.message;
    }
    if (turn !== this.turn || document.activeElement !== this.input) return;
    this.list.replaceChildren();
    for (const [id, name] of found) this.add(String(id), name || "Unnamed");
    const exact = found.some(([, name]) => name.toLowerCase() === text.toLowerCase());
    if (text && !known && !exact && this.dataset.create === "true") this.add("new", `Create “${text}”`, "create");
    this.show(this.list.children.length > 0);
    if (text && !known && this.list.children.length) this.mark(this.list.firstElementChild);
  }

  add(value, text, cls = "") {
    const o = document.createElement("div");
    o.role = "option";
    o.id = `${this.list.id}-${this.list.children.length}`;
    o.dataset.value = value;
    o.textContent = text;
    o.className = cls;
    this.list.append(o);
  }

  show(on) {
    this.list.hidden = !on;
    this.input.setAttribute("aria-expanded", on);
    if (!on) this.mark(null);
  }

  mark(o) {
    for (const x of this.list.children) x.setAttribute("aria-selected", x === o);
    if (o) {
      this.input.setAttribute("aria-activedescendant", o.id);
      o.scrollIntoView({ block: "nearest" });
    } else this.input.removeAttribute("aria-activedescendant");
    this.marked = o;
  }

  key(e) {
    const open = !this.list.hidden;
    if (e.key === "ArrowDown" || e.key === "ArrowUp") {
      e.preventDefault();
      if (!open) return void this.search();
      const all = [...this.list.children];
      const step = e.key === "ArrowDown" ? 1 : -1;
      this.mark(all[(all.indexOf(this.marked) + step + all.length) % all.length]);
    } else if (e.key === "Enter" && open && this.marked) {
      e.preventDefault();
      this.choose(this.marked);
    } else if (e.key === "Tab" && open && this.marked) {
      this.choose(this.marked);
    } else if (e.key === "Escape" && open) {
      e.stopPropagation();
      this.show(false);
    }
  }

  async choose(o) {
    let id = o.dataset.value, name = o.textContent;
    this.show(false);
    if (id === "new") {
      try {
        [id, name] = await call(this.dataset.model, "name_create", [this.input.value.trim()]);
      } catch (e) {
        this.complain(e.message);
        return;
      }
    }
    this.complain("");
    if (this.dataset.tags) {
      this.tag(id, name);
      this.input.value = "";
    } else {
      this.input.value = name;
      this.set(id, name);
    }
    this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  set(id, name) {
    if (this.id_) this.id_.value = id;
    if (this.nm) this.nm.value = name;
    this.parentElement?.querySelector(".picks")?.remove();
  }

  tag(id, name) {
    const box = document.createElement("input");
    Object.assign(box, { type: "checkbox", name: this.dataset.tags + "~id", value: id, checked: true });
    const label = document.createElement("label");
    label.className = "tag";
    label.append(box, " " + name);
    this.before(label);
  }

  // leave: a text that stands for nothing yet is looked up by the server.
  leave() {
    if (document.activeElement === this.input) return;
    this.show(false);
    if (this.unsettled()) this.dispatchEvent(new Event("change", { bubbles: true }));
  }

  complain(text) {
    this.querySelector(".error")?.remove();
    if (!text) return;
    const s = document.createElement("span");
    s.className = "error";
    s.textContent = text;
    this.append(s);
  }
}

customElements.define("fusion-ref", Ref);
