// One screen at a time lies over the item; Escape closes it, and the keys of the item rest meanwhile.
import { button, find, make, text } from "./dom.js";

let onClose = null;
const box = () => find("screen");

export const isOpen = () => box().open;

export function open(title, content, { closed = null, wide = false } = {}) {
  if (isOpen()) close();
  onClose = closed;
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
}
