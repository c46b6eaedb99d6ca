// Items by words, or items like one: to find rare classes. Their labels are marked as not random.
import { button, debounce, make, text } from "./dom.js";
import { placeOf, thumb } from "./item_view.js";
import { close, open } from "./screen.js";

const NOT_RANDOM = "What you pick here is marked as not random: it trains the model, and does not measure it.";

// A cosine below 1 is never shown as 1.
export function similarityText(cosine) {
  if (cosine > 1 - 1e-6) return "same features";
  const digits = Math.min(0.999, cosine).toFixed(3);
  return `similarity ${digits}`;
}

function draw(app, list, found, how) {
  const label = async (items) => {
    const answer = await app.attempt("/api/claim", { items: items.map((each) => each.item), how });
    if (!answer) return;
    close();
    app.open(answer.items);
    app.say(`${answer.items.length} of ${items.length} items are next.`);
  };
  const free = found.filter((each) => each.open);
  const lines = found.map((each) => {
    const answers = each.answers.map((one) => `${app.className(one.class_id)} (${one.mine ? "you" : one.person})`).join(", ");
    const state = answers || (each.open ? "not labelled" : "somebody has it now");
    const near = each.similarity === undefined ? "" : `${similarityText(each.similarity)}; `;
    const line = make("li", {}, thumb(each, app.me.kind), make("div", {}, ...placeOf(each, app.me.kind), make("small", {}, text(near + state))));
    if (each.open) line.append(button("Label it", () => label([each])));
    return line;
  });
  list.replaceChildren(...lines);
  if (free.length > 1) list.prepend(make("li", { className: "all" }, button(`Label all ${free.length} that are free`, () => label(free))));
  if (!found.length) list.append(make("li", { textContent: "Nothing is found." }));
}

export function findItems(app) {
  const list = make("ul", { className: `lines ${app.me.kind}`, "aria-live": "polite" });
  const input = make("input", { type: "text", dir: "auto", "aria-label": "Words of an item", placeholder: "Words of an item or its class" });
  input.addEventListener("input", debounce(async () => {
    const query = input.value;
    const found = query.trim() ? await app.attempt(`/api/search?q=${encodeURIComponent(query)}`) : [];
    if (found && query === input.value) draw(app, list, found, "search");
  }));
  open("Find items", [input, make("p", { className: "soft", textContent: NOT_RANDOM }), list]);
  input.focus();
}

export async function findSimilar(app) {
  const item = app.labeller.current;
  const found = item && await app.attempt(`/api/items/${item.item}/similar`);
  if (!found) return;
  const list = make("ul", { className: `lines ${app.me.kind}` });
  open("More like this", [make("p", { className: "soft", textContent: NOT_RANDOM }), list]);
  draw(app, list, found.filter((each) => each.item !== item.item), "similar");
}
