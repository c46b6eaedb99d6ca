// Many items that look like one class, to be confirmed at once. The model's answer is in sight, and that is recorded.
import { button, make, text } from "./dom.js";
import { small } from "./item_view.js";
import { searchClasses } from "./class_search.js";
import { close, open } from "./screen.js";

const COUNT = 24;

export function openGrid(app) {
  searchClasses(app.me.classes, { title: "Confirm many at once: which class?", choose: (each) => load(app, each) });
}

async function load(app, wanted) {
  const opened = performance.now();
  const answer = await app.attempt("/api/grid", { class_id: wanted.id, n: COUNT });
  if (!answer) return;
  const items = new Map(answer.items.map((each) => [each.item, each]));
  let rest = [...items.values()];
  const tiles = rest.map((each) => tile(each));
  const confirm = button("", () => {
    const chosen = tiles.filter((each) => each.getAttribute("aria-pressed") === "true").map((each) => items.get(Number(each.dataset.item)));
    const spent = Math.round((performance.now() - opened) / Math.max(1, chosen.length));
    const action = crypto.randomUUID();
    chosen.forEach((each) => app.record(each, {
      kind: "label", class_id: wanted.id, view: "grid", prediction_shown: true, shown_ms: spent, idle_ms: Math.max(0, spent - 60_000),
    }, action));
    rest = rest.filter((each) => !chosen.includes(each));
    close();
    app.say(`${chosen.length} items are labelled ${wanted.name}.`);
  }, "Enter");
  function count() {
    const number = tiles.filter((each) => each.getAttribute("aria-pressed") === "true").length;
    confirm.lastChild.textContent = `Label ${number} as ${wanted.name}`;
    confirm.disabled = !number;
  }
  function tile(each) {
    const made = make("button", { type: "button", className: "tile", "aria-pressed": "true" }, small(each, each.kind),
      make("small", { textContent: `${Math.round(100 * each.probability)} %` }));
    made.dataset.item = each.item;
    made.addEventListener("click", () => {
      made.setAttribute("aria-pressed", String(made.getAttribute("aria-pressed") !== "true"));
      count();
    });
    return made;
  }
  const grid = make("div", { className: `tiles ${app.me.kind}`, role: "group", "aria-label": `Items that look like ${wanted.name}` }, ...tiles);
  grid.addEventListener("keydown", (event) => move(event, tiles, confirm));
  const none = "The model takes no free item for this class yet.";
  const head = rest.length ? "Take out what does not belong (click, or Space). You see what the model says: these labels are marked as not blind." : none;
  open(`${rest.length} look like ${wanted.name}`, [make("p", { className: "soft" }, text(head)), grid,
    ...(rest.length ? [make("div", { className: "sticky" }, confirm)] : [])], {
    wide: true,
    closed: () => app.release(rest.map((each) => each.lease)),
  });
  count();
  tiles[0]?.focus();
}

function move(event, tiles, confirm) {
  const at = tiles.indexOf(document.activeElement);
  const columns = tiles.filter((each) => each.offsetTop === tiles[0].offsetTop).length;
  const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns, ArrowDown: columns }[event.key];
  if (event.key === "Enter" && !event.repeat) confirm.click();
  else if (step) tiles[at + step]?.focus();
  else return;
  event.preventDefault();
}
