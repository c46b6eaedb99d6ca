// The page: shows one item, sends one answer, shows the next. Every event is sent until it is acknowledged.
"use strict";

const itemBox = document.getElementById("item");
const classBox = document.getElementById("classes");
const stateBox = document.getElementById("state");
const HOLD = 3;

let me = null;
let items = [];
let shownAt = 0;
let last = null;
let isShown = false;  // only what a person can see is labelled

async function request(path, body) {
  const options = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRF-Token": me.csrf },
    body: JSON.stringify(body),
  };
  const response = await fetch(path, options);
  if (response.status >= 500) throw new TypeError(`The server has a fault (${response.status})`);  // as where it is away
  const answer = await response.json();
  if (!response.ok) throw new Error(typeof answer.detail === "string" ? answer.detail : JSON.stringify(answer.detail));
  return answer;
}

function show() {
  const item = items[0];
  itemBox.replaceChildren();
  isShown = Boolean(item) && item.kind !== "images";
  if (!item) {
    itemBox.append(Object.assign(document.createElement("p"), { textContent: "Nothing to label at the moment." }));
    return;
  }
  if (item.kind === "images") {
    const image = document.createElement("img");
    image.addEventListener("load", () => {
      if (items[0] === item) [isShown, shownAt] = [true, performance.now()];
    });
    image.addEventListener("error", () => explain(item));
    itemBox.append(Object.assign(image, { src: item.url, alt: item.place }));
  } else if (item.kind === "rows") {
    const list = document.createElement("dl");
    for (const [name, value] of Object.entries(JSON.parse(item.content))) {
      list.append(Object.assign(document.createElement("dt"), { textContent: name }));
      list.append(Object.assign(document.createElement("dd"), { textContent: String(value) }));
    }
    itemBox.append(list);
  } else {
    itemBox.append(Object.assign(document.createElement("p"), { textContent: item.content || item.place }));
  }
  shownAt = performance.now();
}

// Says why an image is not there; it can be skipped, and not labelled.
async function explain(item) {
  const response = await fetch(item.url).catch(() => null);
  const answer = response && !response.ok ? await response.json().catch(() => null) : null;
  if (items[0] !== item) return;
  const text = `${answer?.detail ?? `${item.place} cannot be shown.`} Skip it with s.`;
  itemBox.replaceChildren(Object.assign(document.createElement("p"), { textContent: text }));
}

async function send(event) {
  const full = { uuid: crypto.randomUUID(), client_time: new Date().toISOString(), ...event };
  for (let wait = 200; ; wait = Math.min(5000, 2 * wait)) {
    try {
      const answer = await request("/api/events", { events: [full], next: HOLD });
      items = answer.items;
      stateBox.textContent = answer.results[0].outcome === "refused" ? answer.results[0].reason : "";
      break;
    } catch (error) {
      if (!(error instanceof TypeError)) {
        stateBox.textContent = error.message;
        return;
      }
      stateBox.textContent = "The answer is not stored yet; trying again …";
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
  if (full.kind !== "undo") last = full.uuid;
  show();
}

let busy = false;
async function act(event) {
  if (busy) return;
  busy = true;
  try {
    await send(event);
  } finally {
    busy = false;
  }
}

function answer(kind, classId) {
  if (!items[0] || (kind === "label" && !isShown)) return;
  const event = { kind, item: items[0].item, lease: items[0].lease, shown_ms: Math.round(performance.now() - shownAt) };
  if (classId !== undefined) event.class_id = classId;
  act(event);
}

function undo() {
  if (last) {
    act({ kind: "undo", target_uuid: last });
    last = null;
  }
}

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  const matches = (change) => me?.classes.find((each) => each.hotkey && change(each.hotkey) === change(event.key));
  const chosen = matches((key) => key) ?? (event.key.length === 1 ? matches((key) => key.toLowerCase()) : undefined);
  if (chosen) answer("label", chosen.id);
  else if (event.key === "s") answer("skip");
  else if (event.key === "u") undo();
});

async function poll() {
  if (!items.length && !busy) {
    const answer = await request("/api/next", { n: HOLD });
    if (answer.items.length) {
      items = answer.items;
      show();
    }
  }
}

async function start() {
  me = await request("/api/me");
  document.title = `${me.name} – lindley`;
  for (const each of me.classes) {
    const button = document.createElement("button");
    if (each.hotkey) button.append(Object.assign(document.createElement("kbd"), { textContent: each.hotkey }), " ");
    button.append(each.name);
    button.addEventListener("click", () => answer("label", each.id));
    classBox.append(button);
  }
  items = (await request("/api/next", { n: HOLD })).items;
  show();
  setInterval(() => poll().catch(() => {}), 2000);
}

start().catch((error) => { itemBox.textContent = error.message; });
