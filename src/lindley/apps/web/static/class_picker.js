// The classes: buttons with their keys, a search among many, and changes of them.

import { request } from "./api.js";
import { closeDialog, openDialog } from "./dialogs.js";
import { element } from "./item_view.js";

const MOST_BUTTONS = 40;
const MOST_FOUND = 50;

// The class of a key: as typed, else without regard to case.
export function classOfKey(classes, key) {
  if (key.length !== 1) return undefined;
  const exact = classes.find((each) => each.hotkey === key);
  return exact ?? classes.find((each) => each.hotkey?.toLowerCase() === key.toLowerCase());
}

export function showClasses(box, classes, onChosen, onSearch) {
  const buttons = classes.slice(0, MOST_BUTTONS).map((each) => classButton(each, () => onChosen(each)));
  if (classes.length > MOST_BUTTONS) {
    const left = `${classes.length - MOST_BUTTONS} more classes … `;
    const more = element("button", { type: "button" }, left, element("kbd", { textContent: "/" }));
    more.addEventListener("click", onSearch);
    buttons.push(more);
  }
  box.replaceChildren(...buttons);
}

function classButton(each, onClick) {
  const button = element("button", { type: "button", title: each.description });
  if (each.hotkey) {
    button.append(element("kbd", { textContent: each.hotkey }), " ");
    button.setAttribute("aria-keyshortcuts", each.hotkey);
  }
  button.append(element("span", { dir: "auto", textContent: each.name }));
  button.addEventListener("click", onClick);
  return button;
}

// Find a class by part of its name; Enter takes the first, and the arrows go on to the others.
export function searchClass(title, classes, onChosen) {
  const input = element("input", { type: "search", autofocus: true, autocomplete: "off", ariaLabel: "Part of the name" });
  const list = element("div", { className: "choices" });
  const pick = (each) => {
    closeDialog();
    onChosen(each);
  };
  const fill = () => {
    const wanted = input.value.trim().toLowerCase();
    const named = classes.filter((each) => each.name.toLowerCase().includes(wanted));
    const found = named.sort((one, other) => rank(one, wanted) - rank(other, wanted)).slice(0, MOST_FOUND);
    list.replaceChildren(...found.map((each) => classButton(each, () => pick(each))));
    if (!found.length) list.append(element("p", { textContent: "No class has this in its name." }));
  };
  input.addEventListener("input", fill);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") list.querySelector("button")?.click();
    if (event.key === "ArrowDown") {
      event.preventDefault();
      list.querySelector("button")?.focus();
    }
  });
  list.addEventListener("keydown", moveByArrows);
  fill();
  openDialog(title, [input, list]);
}

function rank(each, wanted) {
  const name = each.name.toLowerCase();
  return name === wanted ? 0 : name.startsWith(wanted) ? 1 : 2;
}

function moveByArrows(event) {
  const towards = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
  if (towards === undefined) return;
  event.preventDefault();
  document.activeElement[towards]?.focus();
}

// Add a class, and rename, describe or merge the others; `onChanged` gets the new list.
export function editClasses(classes, onChanged) {
  const state = element("p", { role: "status" });
  const change = async (body) => {
    try {
      const changed = await request("/api/classes", body);
      onChanged(changed);
      editClasses(changed, onChanged);
    } catch (error) {
      state.textContent = error.message;
    }
  };
  const name = element("input", { autocomplete: "off", ariaLabel: "Name of the new class", placeholder: "new class" });
  const add = element("button", { type: "button", className: "main", textContent: "Add" });
  add.addEventListener("click", () => change({ action: "add", value: name.value.trim() }));
  name.addEventListener("keydown", (event) => event.key === "Enter" && add.click());
  const rows = classes.map((each) => classRow(each, classes, change));
  openDialog("Classes", [element("div", { className: "line" }, name, add), ...rows, state], { wide: true });
}

function classRow(each, classes, change) {
  const field = (label, value, action) => {
    const input = element("input", { value, ariaLabel: `${label} of ${each.name}`, placeholder: label });
    input.addEventListener("change", () => change({ action, class_id: each.id, value: input.value.trim() }));
    return input;
  };
  const into = element("select", { ariaLabel: `Merge ${each.name} into another class` });
  into.append(element("option", { value: "", textContent: "merge into …" }));
  for (const other of classes) {
    if (other.id !== each.id) into.append(element("option", { value: String(other.id), textContent: other.name }));
  }
  into.addEventListener("change", () => {
    const other = classes.find((one) => String(one.id) === into.value);
    const isSure = other && window.confirm(`Merge "${each.name}" into "${other.name}"? Its labels follow.`);
    if (isSure) change({ action: "merge", class_id: each.id, value: other.id });
    else into.value = "";
  });
  const key = field("key", each.hotkey ?? "", "hotkey");
  key.className = "key";
  const parts = [field("name", each.name, "rename"), key, field("description", each.description, "describe"), into];
  return element("div", { className: "line class" }, ...parts);
}
