// What this person did, newest first, to be searched, undone and changed.
import { button, debounce, make, text } from "./dom.js";
import { small } from "./item_view.js";
import { close, open } from "./screen.js";

const LIMIT = 500;
export const ENDS = ["label", "skip"];

export const toItem = (line, kind) => ({
  item: line.item, lease: null, kind, content: line.content, place: line.place, url: `/api/items/${line.item}/content`,
});

// Older answers that may be undone, oldest first, as the labeller remembers its own.
export async function readPast(app) {
  const lines = await app.request(`/api/history?limit=${LIMIT}`);
  const undoable = lines.filter((each) => !each.undone && [...ENDS, "flag", "note"].includes(each.kind));
  return undoable.reverse().map((each) => ({ item: toItem(each, app.me.kind), event: each }));
}

function describe(line) {
  if (line.kind === "label") return line.class ?? "a class that is gone";
  const detail = line.reason ?? line.note;
  return detail ? `${line.kind}: ${detail}` : line.kind;
}

export function showHistory(app) {
  const list = make("ul", { className: "lines" });
  const input = make("input", { type: "text", dir: "auto", "aria-label": "Words of the item or its class", placeholder: "Words of the item or its class" });
  function line(each) {
    const item = toItem(each, app.me.kind);
    const change = button("Open it again", () => {
      close();
      app.open([item], each.class_id);
    });
    const made = make("li", { className: each.undone ? "undone" : "" }, make("div", { className: "thumb" }, small(item, item.kind)),
      make("div", {}, text(describe(each), "b"), make("small", { textContent: `${each.undone ? "undone, " : ""}${new Date(each.time).toLocaleString()}` })), change);
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
