// How an item looks: a text, the values of a row, or an image, which is loaded before its turn.
import { make, text } from "./dom.js";
import { setSource } from "./transport.js";

const AHEAD = 6;
const images = new Map();

function load(item) {
  if (!images.has(item.item)) {
    const image = make("img", { alt: item.place, draggable: false });
    setSource(image, item.url);
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

let columns = [];  // of a table, in the project's order
export const setColumns = (names) => { columns = names; };

function readRow(content) {
  const values = JSON.parse(content);
  const names = columns.filter((name) => Object.hasOwn(values, name));  // a list has the first ones of a large row
  return names.map((name) => [name, values[name] ?? "–"]);
}

// What a screen reader says of an item.
export function excerpt(item) {
  const words = item.kind === "rows" ? readRow(item.content).map((each) => each.join(" ")).join(", ") : item.content;
  return (item.kind === "images" ? item.place : words || item.place).slice(0, 200);
}

const MANY = 10;  // columns, from which on they stand side by side

export function row(content) {
  const values = readRow(content);
  const lines = values.map(([name, value]) => make("tr", {},
    make("th", { scope: "row", textContent: name, dir: "auto" }), text(String(value), "td")));
  return make("div", { className: values.length > MANY ? "row many" : "row" }, make("table", {}, make("tbody", {}, ...lines)));
}

// The element of an item in a list, such as a grid.
export function small(item, kind) {
  if (kind === "images") {
    const image = make("img", { alt: item.place, loading: "lazy" });
    setSource(image, item.url);
    return image;
  }
  if (kind === "rows") return row(item.content);
  return text(item.content || item.place, "p");
}

export const thumb = (item, kind) => make("div", { className: "thumb" }, small(item, kind));

// The file of an image, which says more than the image alone; other items have their text.
export const placeOf = (item, kind) => (kind === "images" ? [text(item.place, "small")] : []);

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
    if (image.src && image.complete) failed();
  }
}

// A small image is enlarged by a whole number, so that its pixels stay squares; a large one fits into the box.
function fitScale(box, image) {
  const scale = Math.min(box.clientWidth / image.naturalWidth, box.clientHeight / image.naturalHeight);
  return scale >= 2 ? Math.floor(scale) : Math.min(1, scale);
}

export function fit(box, image) {
  resize(box, image, fitScale(box, image));
  box.classList.add("fitted");
}

export function zoom(box, factor) {
  const image = box.querySelector(":scope > img");
  if (!image?.naturalWidth) return;
  if (factor === null) return fit(box, image);
  magnify(box, image, Math.min(32, Math.max(0.05, (image.width / image.naturalWidth) * factor)));
}

// Between an image that fits and its full pixels; `at` is the point to stay in sight, as shares of the image.
export function toggleZoom(box, at = [0.5, 0.5]) {
  const image = box.querySelector(":scope > img");
  if (!image?.naturalWidth) return;
  if (!box.classList.contains("fitted")) return fit(box, image);
  const fitted = fitScale(box, image);
  magnify(box, image, fitted < 1 ? 1 : 2 * fitted, at);
}

function magnify(box, image, scale, at = null) {
  const middle = at ?? [(box.scrollLeft + box.clientWidth / 2) / image.width, (box.scrollTop + box.clientHeight / 2) / image.height];
  resize(box, image, scale);
  box.scrollTo(middle[0] * image.width - box.clientWidth / 2, middle[1] * image.height - box.clientHeight / 2);
}

function resize(box, image, scale) {
  image.width = Math.max(1, Math.round(image.naturalWidth * scale));
  image.height = Math.max(1, Math.round(image.naturalHeight * scale));
  image.classList.toggle("crisp", scale >= 2);
  box.classList.remove("fitted");
}

const STEP = 80;
const PANS = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] };

// The arrow keys and Page up and down move what is larger than the box; returns whether this key did.
export function pan(box, key) {
  const page = { PageUp: [0, -0.9 * box.clientHeight], PageDown: [0, 0.9 * box.clientHeight] };
  const step = PANS[key] ?? page[key];
  const isLarger = box.scrollWidth > box.clientWidth || box.scrollHeight > box.clientHeight;
  if (!step || !isLarger) return false;
  box.scrollBy(...step);
  return true;
}

const CLICK = 4;  // pixels that a click may move

// Dragging moves what is larger than the box, a click shows full pixels, and a wheel with Ctrl zooms.
export function allowPan(box) {
  let pressed = null;
  let isDragged = false;
  const isImage = () => box.classList.contains("images");
  box.addEventListener("pointerdown", (event) => {
    pressed = { x: event.clientX, y: event.clientY, left: box.scrollLeft, top: box.scrollTop };
    isDragged = isImage() && event.pointerType === "mouse" && event.button === 0;
  });
  addEventListener("pointermove", (event) => {
    if (isDragged) box.scrollTo(pressed.left + pressed.x - event.clientX, pressed.top + pressed.y - event.clientY);
  });
  addEventListener("pointerup", () => { isDragged = false; });
  box.addEventListener("click", (event) => {
    if (event.target.tagName !== "IMG" || Math.hypot(event.clientX - pressed.x, event.clientY - pressed.y) > CLICK) return;
    toggleZoom(box, [event.offsetX / event.target.width, event.offsetY / event.target.height]);
  });
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey || !isImage()) return;
    event.preventDefault();
    zoom(box, event.deltaY < 0 ? 1.25 : 0.8);
  }, { passive: false });
  new ResizeObserver(() => { if (box.classList.contains("fitted")) zoom(box, null); }).observe(box);
}
