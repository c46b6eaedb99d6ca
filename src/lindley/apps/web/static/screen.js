// One screen at a time lies over the item; Escape closes it, or a key of its own, and the item's keys rest meanwhile.
import { button, find, make, text } from "./dom.js";

let onClose = null;
let closingKey = null;
const box = () => find("screen");

export const isOpen = () => box().open;

export function open(title, content, { closed = null, wide = false, key = null } = {}) {
  if (isOpen()) close();
  [onClose, closingKey] = [closed, key];
  const heading = make("h2", { id: "screen-title" }, text(title));
  const shut = button("Close", close, "Esc");
  box().className = wide ? "wide" : "";
  box().replaceChildren(make("header", {}, heading, shut), make("div", { className: "content" }, ...content));
  box().showModal();
}

export function close() {
  box().close();
  finish();
}

function finish() {
  const todo = onClose;
  onClose = null;
  box().replaceChildren();
  todo?.();
  find("item").focus({ preventScroll: true });
}

export function prepare() {
  box().addEventListener("cancel", (event) => {
    event.preventDefault();
    close();
  });
  box().addEventListener("keydown", (event) => {
    if (event.key !== closingKey || event.repeat) return;
    event.preventDefault();
    event.stopPropagation();  // the same key opens it
    close();
  });
}
