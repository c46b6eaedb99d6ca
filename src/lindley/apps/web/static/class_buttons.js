// The buttons of the classes that have a key, and of those without one that were chosen last.
import { button, text } from "./dom.js";

const RECENT = 6;
let recent = [];

export function remember(each) {
  if (!each.hotkey) recent = [each.id, ...recent.filter((id) => id !== each.id)].slice(0, RECENT);
}

export function drawClasses(box, classes, { choose, search }) {
  const offered = classes.filter((each) => each.hotkey || recent.includes(each.id) || classes.length <= RECENT);
  const buttons = offered.map((each) => {
    const made = button("", () => choose(each), each.hotkey ?? "");
    made.append(text(each.name));
    made.title = each.description;
    made.dataset.class = each.id;
    return made;
  });
  const label = classes.length > offered.length ? `Search all ${classes.length} classes` : "Search";
  const isFocused = box.contains(document.activeElement) && document.activeElement.dataset.class;
  const marked = box.querySelector('[aria-pressed="true"]')?.dataset.class;
  box.replaceChildren(...buttons, button(label, search, "/"));
  if (marked) markClass(box, Number(marked));
  if (isFocused) box.querySelector(`[data-class="${isFocused}"]`)?.focus();
}

export function markClass(box, classId) {
  for (const each of box.querySelectorAll("[data-class]")) {
    each.setAttribute("aria-pressed", String(Number(each.dataset.class) === classId));
  }
}
