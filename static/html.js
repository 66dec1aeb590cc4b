// <fusion-html> edits the HTML of its textarea as it will look.
class Html extends HTMLElement {
  connectedCallback() {
    const source = this.querySelector("textarea");
    if (!source || this.area) return;
    this.source = source;
    this.area = document.createElement("div");
    this.area.className = "html-area prose";
    this.area.contentEditable = "true";
    this.area.role = "textbox";
    this.area.dataset.placeholder = source.placeholder;
    this.area.setAttribute("aria-multiline", "true");
    this.area.setAttribute("aria-label", source.getAttribute("aria-label"));
    this.fill();
    const tools = document.createElement("div");
    tools.className = "html-tools";
    for (const [cmd, text, name] of [["bold", "B", "Bold"], ["italic", "I", "Italic"], ["insertUnorderedList", "•", "List"], ["insertOrderedList", "1.", "Numbered list"]]) {
      const b = document.createElement("button");
      b.type = "button";
      b.textContent = text;
      b.title = name;
      b.setAttribute("aria-label", name);
      b.addEventListener("mousedown", (e) => e.preventDefault());
      b.addEventListener("click", () => { this.area.focus(); document.execCommand(cmd); keep(); });
      tools.append(b);
    }
    const keep = () => { source.value = this.area.textContent.trim() || this.area.querySelector("img") ? this.area.innerHTML : ""; };
    this.area.addEventListener("input", keep);
    this.area.addEventListener("blur", () => source.dispatchEvent(new Event("change", { bubbles: true })));
    source.hidden = true;
    this.append(tools, this.area);
  }

  // fill shows the source without what could run; the server cleans it again
  // when it is saved.
  fill() {
    const doc = new DOMParser().parseFromString(this.source.value, "text/html");
    doc.querySelectorAll("script, style, iframe, object, embed, link, meta").forEach((n) => n.remove());
    for (const n of doc.querySelectorAll("*")) for (const a of [...n.attributes]) if (/^on/i.test(a.name) || /^\s*javascript:/i.test(a.value)) n.removeAttribute(a.name);
    this.area.replaceChildren(...doc.body.childNodes);
  }

  morph(fresh, keep) {
    const theirs = fresh.querySelector("textarea");
    if (document.activeElement === this.area || keep(this.source) || theirs.value === this.source.value) return;
    this.source.value = theirs.value;
    this.fill();
  }
}

customElements.define("fusion-html", Html);
