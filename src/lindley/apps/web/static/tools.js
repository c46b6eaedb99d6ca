// Beside the queue: what this person did before, items by word or like another one, a grid to confirm, and disputes.

import { request } from "./api.js";
import { closeDialog, openDialog } from "./dialogs.js";
import { element, thumbnail } from "./item_view.js";

const GRID_ITEMS = 24;
const MOST_FOUND = 200;
const WAIT = 250;

function searchField(label, onInput) {
  const input = element("input", { type: "search", autofocus: true, autocomplete: "off", ariaLabel: label, placeholder: label });
  let timer = 0;
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(() => onInput(input.value.trim()), WAIT);
  });
  return input;
}

// Fill a list with what a request finds, or with why it does not.
async function fill(list, path, row, empty) {
  try {
    const found = await request(path);
    const isLast = (each) => Number(each.open === false);  // what cannot be labelled now comes last
    list.replaceChildren(...found.sort((one, other) => isLast(one) - isLast(other)).map(row));
    if (!found.length) list.append(element("p", { textContent: empty }));
  } catch (error) {
    list.replaceChildren(element("p", { textContent: error.message }));
  }
}

// The past of this person, newest first; an answer can be undone, or its item labelled anew.
export function openHistory({ kind, undo, relabel }) {
  const list = element("div", { className: "rows" });
  const row = (each) => {
    const what = each.class ?? [each.kind, each.reason, each.note].filter(Boolean).join(": ");
    const when = new Date(each.time).toLocaleString();
    const shown = { ...each, url: `/api/items/${each.item}/content` };
    const answer = element("span", { className: "what" }, element("b", { dir: "auto", textContent: what }), ` ${when}`);
    const buttons = element("span", { className: "buttons" });
    if (each.undone) answer.append(" (undone)");
    else {
      const back = element("button", { type: "button", textContent: "Undo" });
      back.addEventListener("click", () => {
        undo(each);
        closeDialog();
      });
      buttons.append(back);
    }
    if (each.kind === "label") {
      const again = element("button", { type: "button", textContent: "Label anew" });
      again.addEventListener("click", () => relabel(each));
      buttons.append(again);
    }
    return element("div", { className: "row" }, thumbnail(shown, kind), answer, buttons);
  };
  const look = (text) => fill(list, `/api/history?q=${encodeURIComponent(text)}`, row, "Nothing was found.");
  openDialog("What you did", [searchField("Part of the text, the file or the class", look), list], { wide: true });
  look("");
}

function pickable(each, kind, chosen) {
  const box = element("input", { type: "checkbox", disabled: !each.open, ariaLabel: each.place });
  box.addEventListener("change", () => (box.checked ? chosen.add(each.item) : chosen.delete(each.item)));
  const names = each.answers.map((one) => `${one.class ?? "skipped"}${one.mine ? " (you)" : ""}`);
  const state = names.length ? names.join(", ") : each.open ? "" : "not open";
  return element("label", { className: "row" }, box, thumbnail(each, kind), element("span", { textContent: state }));
}

function openPicker(title, parts, list, how, chosen, pick) {
  const note = "Items that you pick here are not random: they train the model, and never measure it.";
  const take = element("button", { type: "button", className: "main", textContent: "Label the chosen items" });
  take.addEventListener("click", async () => {
    if (!chosen.size) return;
    const { items } = await request("/api/claim", { items: [...chosen], how });
    closeDialog();
    pick(items);
  });
  openDialog(title, [...parts, element("p", { className: "note", textContent: note }), list, take], { wide: true });
}

export function openSearch({ kind, className, pick }) {
  const chosen = new Set();
  const list = element("div", { className: "rows" });
  const row = (each) => pickable(named(each, className), kind, chosen);
  const look = (text) => {
    chosen.clear();
    if (text) fill(list, `/api/search?limit=${MOST_FOUND}&q=${encodeURIComponent(text)}`, row, "Nothing was found.");
    else list.replaceChildren();
  };
  openPicker("Search", [searchField("A word", look)], list, "search", chosen, pick);
}

export function openSimilar(item, { kind, className, pick }) {
  const chosen = new Set();
  const list = element("div", { className: "rows" });
  const row = (each) => pickable(named(each, className), kind, chosen);
  openPicker("More like this", [], list, "similar", chosen, pick);
  fill(list, `/api/items/${item.item}/similar`, row, "There is nothing like it.");
}

function named(each, className) {
  const answers = each.answers.map((one) => ({ ...one, class: className(one.class_id) }));
  return { ...each, answers };
}

// Items that the model takes for one class: those that stay chosen are labelled at once, as not blind.
export async function openGrid(chosenClass, { kind, label, release }) {
  const { items } = await request("/api/grid", { class_id: chosenClass.id, n: GRID_ITEMS });
  const left = new Map(items.map((each) => [each.item, each]));
  const tiles = items.map((each) => {
    const tile = element("button", { type: "button", className: "tile", ariaPressed: "true" }, thumbnail(each, kind));
    tile.addEventListener("click", () => {
      const isChosen = !left.delete(each.item);
      if (isChosen) left.set(each.item, each);
      tile.ariaPressed = String(isChosen);
    });
    return tile;
  });
  const confirm = element("button", { type: "button", className: "main", textContent: `These are ${chosenClass.name}` });
  let isConfirmed = false;
  confirm.addEventListener("click", () => {
    isConfirmed = true;
    label([...left.values()], chosenClass);
    closeDialog();
  });
  const none = "The model takes no open item for this class.";
  const hint = "Take out what does not belong. The labels are marked as given in sight of the prediction.";
  const parts = items.length
    ? [element("p", { className: "note", textContent: hint }), element("div", { className: "grid" }, ...tiles), confirm]
    : [element("p", { textContent: none })];
  const closed = () => {
    const kept = isConfirmed ? left : new Map();
    release(items.filter((each) => !kept.has(each.item)).map((each) => each.lease));
  };
  openDialog(`These look like ${chosenClass.name}`, parts, { wide: true, closed });
}

export function openDisputes({ kind, classes, className, settle }) {
  const list = element("div", { className: "rows" });
  const row = (each) => {
    const said = each.answers.map((one) => `${one.person}: ${className(one.class_id) ?? "skipped"}`).join(", ");
    const pick = element("select", { ariaLabel: "The class that counts" }, element("option", { value: "", textContent: "settle …" }));
    for (const one of classes) pick.append(element("option", { value: String(one.id), textContent: one.name }));
    const line = element("div", { className: "row" }, thumbnail(each, kind), element("span", { textContent: said }), pick);
    pick.addEventListener("change", () => {
      settle(each, classes.find((one) => String(one.id) === pick.value));
      line.remove();
    });
    return line;
  };
  openDialog("Disputes", [list], { wide: true });
  fill(list, "/api/disputes", row, "People agree on all items.");
}
