// One item on screen. Whatever it says is shown as text, never as HTML.

import { request } from "./api.js";

export function element(name, properties = {}, ...children) {
  const made = Object.assign(document.createElement(name), properties);
  made.append(...children);
  return made;
}

// Fill a box with an item, and call `onShown` once it can be seen: only then is it labelled.
export function showItem(box, item, onShown) {
  box.replaceChildren();
  if (item.kind === "images") {
    showImage(box, item, onShown);
    return;
  }
  box.append(item.kind === "rows" ? table(item) : text(item));
  box.scrollTop = 0;
  onShown();
}

export function thumbnail(item, kind) {
  if (kind === "images") return element("img", { src: item.url, alt: item.place, loading: "lazy" });
  return element("span", { className: "excerpt", dir: "auto", textContent: item.content || item.place });
}

function text(item) {
  const content = item.content || item.place;
  const size = content.length < 120 ? "short" : content.length < 600 ? "medium" : "long";
  return element("p", { className: `text ${size}`, dir: "auto", textContent: content });
}

function table(item) {
  const body = element("tbody");
  for (const [name, value] of Object.entries(JSON.parse(item.content))) {
    const cell = element("td", { dir: "auto", textContent: String(value) });
    body.append(element("tr", {}, element("th", { scope: "row", textContent: name }), cell));
  }
  return element("table", {}, body);
}

function showImage(box, item, onShown) {
  const image = element("img", { alt: item.place });
  image.addEventListener("load", () => {
    enlarge(image, box);
    if (image.isConnected) onShown();
  });
  image.addEventListener("error", () => explain(box, image, item));
  image.addEventListener("click", () => box.classList.toggle("zoomed"));
  box.classList.remove("zoomed");
  box.append(image);
  image.src = item.url;
}

// A small image is enlarged by a whole number, so that its pixels stay crisp; a large one fits, and a click zooms.
function enlarge(image, box) {
  const times = Math.floor(Math.min(box.clientWidth / image.naturalWidth, 420 / image.naturalHeight));
  image.classList.toggle("crisp", times >= 2);
  image.width = image.naturalWidth * Math.max(1, times);
}

async function explain(box, image, item) {
  const response = await fetch(item.url).catch(() => null);
  const answer = response && !response.ok ? await response.json().catch(() => null) : null;
  if (!image.isConnected) return;
  const reason = answer?.detail ?? `${item.place} cannot be shown.`;
  box.replaceChildren(element("p", { className: "text medium", textContent: `${reason} Skip it with s.` }));
}

// Load the images that come next, so that they are there at once.
export function preload(items) {
  for (const item of items) if (item.kind === "images") new Image().src = item.url;
}

export async function reveal(item, classes) {
  const answer = await request("/api/reveal", { item: item.item });
  const found = classes.find((each) => each.id === answer.class_id);
  return found ? `The model says ${found.name} (${Math.round(100 * answer.probability)} %).` : "There is no model yet.";
}
