// The short screens: help, a note, and the reason of a skip.
import { button, make, text } from "./dom.js";
import { COMMANDS } from "./keys.js";
import { close, open } from "./screen.js";

export function showHelp(app) {
  const { guideline, classes } = app.me;
  const keys = COMMANDS.map(([key, , what]) => make("tr", {}, make("td", {}, make("kbd", { textContent: key })), make("td", { textContent: what })));
  const described = classes.slice(0, 200).map((each) => make("tr", {},
    make("td", {}, make("kbd", { textContent: each.hotkey ?? "/" })), text(each.name, "th"), text(each.description || "–", "td")));
  open("Help", [
    make("p", { textContent: "Read the item and press the key of its class: that saves the answer and shows the next item." }),
    make("h3", { textContent: "Guideline" }),
    guideline?.text ? text(guideline.text, "p") : make("p", { className: "soft", textContent: "There is no guideline yet." }),
    make("h3", { textContent: "Classes" }), make("table", {}, make("tbody", {}, ...described)),
    make("h3", { textContent: "Keys" }), make("table", {}, make("tbody", {}, ...keys)),
  ], { key: "?" });
}

const drafts = new Map();  // by item: what was typed and not saved

export function writeNote(app) {
  const { item } = app.labeller.current;
  const input = make("textarea", { rows: 4, maxLength: 2000, dir: "auto", "aria-label": "Note", value: drafts.get(item) ?? "" });
  const save = button("Save", () => {
    const note = input.value.trim();
    if (!note) return;
    input.value = "";
    close();
    app.labeller.answer("note", { note });
    app.say("The note is kept.");
  }, "Ctrl+Enter");
  input.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) save.click(); });
  const keepDraft = () => {
    if (input.value.trim() === "") return drafts.delete(item);
    drafts.set(item, input.value);
    app.say("The note is not saved: Shift+N opens its draft.");
  };
  open("Note on this item", [input, save], { closed: keepDraft });
  input.focus();
}

export function askReason(app) {
  const skip = (reason) => {
    close();
    app.labeller.answer("skip", reason ? { reason } : {});
    app.say("Skipped.");
  };
  const choices = [...app.me.reasons.map((each, index) => [String(index + 1), each, each]), ["S", "No reason", ""]];
  const buttons = choices.map(([key, label, reason]) => button(label, () => skip(reason), key));
  const box = make("div", { className: "choices" }, ...buttons);
  box.addEventListener("keydown", (event) => {
    const chosen = choices.find(([key]) => key.toLowerCase() === event.key.toLowerCase());
    if (!chosen || event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
    event.preventDefault();
    skip(chosen[2]);
  });
  open("Skip this item: why?", [box]);
  buttons[0].focus();
}
