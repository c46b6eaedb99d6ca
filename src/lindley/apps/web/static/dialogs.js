// The one dialog of the page: its title and its parts are replaced; Escape and the cross close it.

import { element } from "./item_view.js";

const dialog = document.getElementById("dialog");
const title = document.getElementById("dialog-title");
const body = document.getElementById("dialog-body");

let onClosed = () => {};

export function isOpen() {
  return dialog.open;
}

export function openDialog(name, parts, { wide = false, closed = () => {} } = {}) {
  if (dialog.open) closeDialog();
  title.textContent = name;
  body.replaceChildren(...parts);
  dialog.classList.toggle("wide", wide);
  onClosed = closed;
  dialog.showModal();
  body.querySelector("[autofocus], input, textarea, button")?.focus();
}

export function closeDialog() {
  dialog.close();
}

dialog.addEventListener("close", () => {
  const closed = onClosed;
  onClosed = () => {};
  closed();
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) closeDialog();  // beside the dialog
});
// Enter in a field means the field's own action, and not the cross, which is the form's first button.
dialog.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target instanceof HTMLInputElement) event.preventDefault();
});

// Ask for one of several things; the digits choose, and Enter takes the first.
export function choose(name, choices, onChosen) {
  const buttons = choices.map((each, place) => {
    const label = [element("kbd", { textContent: String(place + 1) }), ` ${each}`];
    const button = element("button", { type: "button", autofocus: place === 0 }, ...label);
    button.addEventListener("click", () => pick(each));
    return button;
  });
  const pick = (each) => {
    closeDialog();
    onChosen(each);
  };
  const list = element("div", { className: "choices" }, ...buttons);
  list.addEventListener("keydown", (event) => {
    const found = choices[Number(event.key) - 1];
    if (found !== undefined && !event.repeat) {
      event.preventDefault();
      pick(found);
    }
  });
  openDialog(name, [list]);
}

// Ask for a text of several lines.
export function ask(name, label, action, onGiven) {
  const area = element("textarea", { rows: 4, maxLength: 2000, autofocus: true });
  const button = element("button", { type: "button", className: "main", textContent: action });
  const give = () => {
    closeDialog();
    onGiven(area.value.trim());
  };
  button.addEventListener("click", give);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) give();
  });
  openDialog(name, [element("label", {}, label, area), button]);
}
