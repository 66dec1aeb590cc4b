// <fusion-list> lets one click anywhere on a row, select rows with one box for
// all of them, and shows what can be done once something is selected.
class List extends HTMLElement {
  connectedCallback() {
    const bar = this.querySelector(".bulk");
    const head = this.querySelector("thead th.tool");
    const boxes = () => [...this.querySelectorAll("tbody input[name=id]")];
    if (bar && head) {
      const all = document.createElement("input");
      all.type = "checkbox";
      all.setAttribute("aria-label", "Select all rows");
      head.append(all);
      const update = () => {
        const on = boxes().filter((b) => b.checked).length;
        bar.classList.toggle("on", on > 0 || bar.querySelector("[name=all]").checked);
        all.checked = on > 0 && on === boxes().length;
        all.indeterminate = on > 0 && !all.checked;
      };
      all.addEventListener("change", () => { for (const b of boxes()) b.checked = all.checked; update(); });
      this.addEventListener("change", update);
      this.addEventListener("click", (e) => {
        if (e.target.name !== "id" || !e.shiftKey || !this.last) return;
        const list = boxes(), [a, b] = [list.indexOf(this.last), list.indexOf(e.target)].sort((x, y) => x - y);
        for (const box of list.slice(a, b + 1)) box.checked = e.target.checked;
        update();
      });
      this.addEventListener("click", (e) => { if (e.target.name === "id") this.last = e.target; });
      update();
    }
    this.addEventListener("click", (e) => {
      const row = e.target.closest("tr[data-href]");
      if (!row || e.target.closest("a, button, input, label, summary, td.tool") || getSelection().toString()) return;
      if (e.ctrlKey || e.metaKey) window.open(row.dataset.href);
      else location.href = row.dataset.href;
    });
  }
}

customElements.define("fusion-list", List);

// Columns appear as soon as they are ticked.
const columns = document.querySelector(".columns-menu");
columns?.addEventListener("change", () => columns.requestSubmit());

// The custom filter offers the conditions that fit the field.
const field = document.querySelector("#cf"), op = document.querySelector("#co");
if (field && op) {
  const all = [...op.options];
  const fits = {
    boolean: ["="], selection: ["=", "!=", "set", "unset"],
    number: ["=", "!=", ">", "<", ">=", "<=", "set", "unset"], text: ["ilike", "not ilike", "=", "!=", "set", "unset"],
  };
  const update = () => {
    const kind = field.selectedOptions[0]?.dataset.kind;
    const set = fits[kind] || (["integer", "float", "monetary", "date", "datetime"].includes(kind) ? fits.number : fits.text);
    op.replaceChildren(...all.filter((o) => set.includes(o.value)));
    const value = document.querySelector("#cv");
    value.type = kind === "date" || kind === "datetime" ? "date" : "text";
  };
  field.addEventListener("change", update);
  update();
}
