// What this person did, newest first, to be searched, undone and changed.
import { button, debounce, make, text } from "./dom.js";
import { placeOf, thumb } from "./item_view.js";
import { close, open } from "./screen.js";

const PAGE = 500;
export const ENDS = ["label", "skip"];

export const toItem = (line, kind) => ({
  item: line.item, lease: null, kind, content: line.content, place: line.place, url: `/api/items/${line.item}/content`,
});

// A page of answers that may be undone, oldest first as the labeller remembers its own, and the place of the page before
// it; null where there is none. `before` is such a place, or null for the newest answers.
export async function readPast(app, before) {
  const lines = await app.request(`/api/history?limit=${PAGE}${before === null ? "" : `&before=${before}`}`);
  const undoable = lines.filter((each) => !each.undone && [...ENDS, "flag", "note"].includes(each.kind));
  const entries = undoable.reverse().map((each) => ({ item: toItem(each, app.me.kind), event: each }));
  return { entries, before: lines.length < PAGE ? null : lines.at(-1).seq };
}

function describe(line) {
  if (line.kind === "label") return line.class ?? "a class that is gone";
  const detail = line.reason ?? line.note;
  return detail ? `${line.kind}: ${detail}` : line.kind;
}

export function showHistory(app) {
  const list = make("ul", { className: `lines ${app.me.kind}` });
  const input = make("input", { type: "text", dir: "auto", "aria-label": "Words of the item or its class", placeholder: "Words of the item or its class" });
  function line(each) {
    const item = toItem(each, app.me.kind);
    const change = button("Open again", () => {
      close();
      app.open([item], each.class_id);
    });
    const made = make("li", { className: each.undone ? "undone" : "" }, thumb(item, item.kind),
      make("div", {}, text(describe(each), "b"), ...placeOf(item, item.kind), make("small", { textContent: `${each.undone ? "undone, " : ""}${new Date(each.time).toLocaleString([], { dateStyle: "short", timeStyle: "short" })}` })), change);
    return made;
  }
  async function search() {
    try {
      const query = input.value;
      const lines = await app.request(`/api/history?limit=100&q=${encodeURIComponent(query)}`);
      if (query !== input.value) return;
      list.replaceChildren(...lines.map(line));
      if (!lines.length) list.append(make("li", { textContent: query ? "Nothing has these words." : "You have not answered anything yet." }));
    } catch (error) {
      list.replaceChildren(make("li", { textContent: error.message }));
    }
  }
  input.addEventListener("input", debounce(search));
  open("Your answers", [input, list]);
  input.focus();
  search();
}
