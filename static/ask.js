// ask puts a question in a dialog and tells whether it was answered with yes.
export function ask(question, yes) {
  return new Promise((resolve) => {
    const d = document.createElement("dialog");
    d.className = "ask";
    const p = document.createElement("p");
    p.className = "keep-lines";
    p.textContent = question;
    const form = document.createElement("form");
    form.method = "dialog";
    form.className = "buttons";
    const go = document.createElement("button");
    go.className = "primary";
    go.value = "yes";
    go.textContent = yes;
    const no = document.createElement("button");
    no.value = "no";
    no.textContent = "Cancel";
    form.append(go, no);
    d.append(p, form);
    d.addEventListener("close", () => { d.remove(); resolve(d.returnValue === "yes"); });
    document.body.append(d);
    d.showModal();
  });
}
