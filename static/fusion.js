// Makes pages that work by themselves nicer: it may be missing altogether.
import "./ref.js";
import "./form.js";
import "./list.js";
import "./html.js";
import "./link.js";
import { ask } from "./ask.js";

document.documentElement.classList.add("js");

// Buttons that want to be asked about first. Without this module the server
// asks on a page of its own.
document.addEventListener("click", async (e) => {
  const button = e.target.closest("button[data-confirm]");
  if (!button || button.dataset.sure) return;
  e.preventDefault();
  if (!(await ask(button.dataset.confirm, button.textContent.trim()))) return;
  const form = button.form;
  if (form) {
    const sure = document.createElement("input");
    Object.assign(sure, { type: "hidden", name: "confirm", value: "1" });
    form.append(sure);
  }
  button.dataset.sure = "1";
  button.click();
});

// Buttons whose work takes a while say what is being done, and are pressed once.
document.addEventListener("submit", (e) => {
  const text = e.submitter?.dataset.busy;
  if (!text || e.defaultPrevented) return;
  const note = document.createElement("p");
  Object.assign(note, { className: "busy-note", textContent: text + "…" });
  note.setAttribute("role", "status");
  document.body.append(note);
  setTimeout(() => { e.submitter.disabled = true; }); // after its name went with the form
});
window.addEventListener("pageshow", () => {
  for (const n of document.querySelectorAll(".busy-note")) n.remove();
  for (const b of document.querySelectorAll("button[data-busy]:disabled")) b.disabled = false;
});

// Drop-downs close when one clicks elsewhere or presses Escape.
document.addEventListener("click", (e) => {
  for (const d of document.querySelectorAll("details.drop[open]")) {
    if (!d.contains(e.target)) d.open = false;
  }
});
document.addEventListener("keydown", (e) => {
  if (e.key === "Escape") {
    for (const d of document.querySelectorAll("details.drop[open]")) {
      d.open = false;
      if (d.contains(document.activeElement)) d.querySelector("summary").focus();
    }
    return;
  }
  if (e.altKey || e.ctrlKey || e.metaKey || e.target.closest("input, textarea, select, [contenteditable]")) return;
  if (e.key === "/") {
    const box = document.querySelector(".search-box [type=search]");
    if (box) { e.preventDefault(); box.focus(); }
  } else if (e.key === "e") {
    document.querySelector("[data-edit]")?.click();
  } else if (e.key === "n") {
    document.querySelector(".control-main a.primary[accesskey=n], .control-main a[accesskey=n]")?.click();
  }
});

customElements.define("fusion-copy", class extends HTMLElement {
  connectedCallback() {
    const b = document.createElement("button");
    b.type = "button";
    b.className = "plain";
    b.textContent = "Copy";
    b.addEventListener("click", async () => {
      await navigator.clipboard.writeText(this.dataset.text);
      b.textContent = "Copied";
    });
    this.replaceChildren(b);
  }
});
