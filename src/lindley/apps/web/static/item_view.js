// How an item looks: a text, the values of a row, or an image, which is loaded before its turn.
import { make, text } from "./dom.js";

const AHEAD = 6;
const images = new Map();

function load(item) {
  if (!images.has(item.item)) {
    const image = make("img", { src: item.url, alt: item.place, draggable: false });
    images.set(item.item, image);
  }
  return images.get(item.item);
}

export function loadAhead(queue) {
  const next = queue.slice(0, AHEAD).filter((each) => each.kind === "images");
  const wanted = new Set(next.map((each) => each.item));
  for (const item of images.keys()) if (!wanted.has(item)) images.delete(item);
  next.forEach((each) => load(each).decode().catch(() => {}));
}

export const excerpt = (item) => (item.kind === "images" ? item.place : item.content || item.place).slice(0, 200);

function row(content) {
  const lines = Object.entries(JSON.parse(content)).map(([name, value]) => make("tr", {},
    make("th", { scope: "row", textContent: name, dir: "auto" }), text(value === null ? "–" : String(value), "td")));
  return make("table", {}, make("tbody", {}, ...lines));
}

// The element of an item in a list, such as a grid.
export function small(item, kind) {
  if (kind === "images") return make("img", { src: item.url, alt: item.place, loading: "lazy" });
  if (kind === "rows") {
    try {
      return row(item.content);
    } catch {  // only its first characters are there
    }
  }
  return text(item.content || item.place, "p");
}

// Shows an item; `ready` is called once a person can see it, `failed` where they never will.
export function show(box, item, { ready, failed }) {
  box.className = item.kind;
  box.scrollTop = 0;
  if (item.kind !== "images") {
    box.replaceChildren(item.kind === "rows" ? row(item.content) : text(item.content || item.place, "p"));
    ready();
    return;
  }
  const image = load(item);
  box.replaceChildren(image);
  const finish = () => {
    if (!box.contains(image)) return;
    fit(box, image);
    ready();
  };
  if (image.complete && image.naturalWidth) finish();
  else {
    image.addEventListener("load", finish, { once: true });
    image.addEventListener("error", failed, { once: true });
    if (image.complete) failed();
  }
}

// A small image is enlarged by a whole number, so that its pixels stay squares; a large one fits into the box.
export function fit(box, image) {
  const scale = Math.min(box.clientWidth / image.naturalWidth, box.clientHeight / image.naturalHeight);
  resize(image, scale >= 2 ? Math.floor(scale) : Math.min(1, scale));
}

export function zoom(box, factor) {
  const image = box.querySelector(":scope > img");
  if (!image?.naturalWidth) return;
  if (factor === null) return fit(box, image);
  const scale = Math.min(32, Math.max(0.05, (image.width / image.naturalWidth) * factor));
  const middle = [(box.scrollLeft + box.clientWidth / 2) / image.width, (box.scrollTop + box.clientHeight / 2) / image.height];
  resize(image, scale);
  box.scrollTo(middle[0] * image.width - box.clientWidth / 2, middle[1] * image.height - box.clientHeight / 2);
}

function resize(image, scale) {
  image.width = Math.max(1, Math.round(image.naturalWidth * scale));
  image.height = Math.max(1, Math.round(image.naturalHeight * scale));
  image.classList.toggle("crisp", scale >= 2);
}

// Dragging moves what is larger than the box; a wheel with Ctrl zooms.
export function allowPan(box) {
  let from = null;
  box.addEventListener("pointerdown", (event) => {
    if (box.classList.contains("images") && event.pointerType === "mouse") from = [event.clientX + box.scrollLeft, event.clientY + box.scrollTop];
  });
  addEventListener("pointermove", (event) => { if (from) box.scrollTo(from[0] - event.clientX, from[1] - event.clientY); });
  addEventListener("pointerup", () => { from = null; });
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey || !box.classList.contains("images")) return;
    event.preventDefault();
    zoom(box, event.deltaY < 0 ? 1.25 : 0.8);
  }, { passive: false });
  addEventListener("resize", () => zoom(box, null));
}
