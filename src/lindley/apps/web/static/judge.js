// Labels that may be wrong are judged again, one at a time: without the old label, and without the model's opinion.
import { Clock } from "./clock.js";

const clock = new Clock();

const button = document.getElementById("judge");
const dialog = document.getElementById("judging");
const place = document.getElementById("judging-place");
const content = document.getElementById("judging-item");
const choices = document.getElementById("judging-classes");
const fault = document.getElementById("judging-fault");

let me = null;
let left = [];
let shownAt = null;  // null: nothing can be answered, since nothing is seen

async function request(path, body) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": me && me.csrf };
  const response = await fetch(path, body ? { method: "POST", headers, body: JSON.stringify(body) } : {});
  if (!response.ok) throw new Error(`The server answers ${response.status}.`);
  return response;
}

async function begin() {
  dialog.showModal();
  me = await (await request("/api/me")).json();
  left = JSON.parse(button.dataset.items);
  choices.replaceChildren(...me.classes.map((each) => {
    const choice = document.createElement("button");
    const key = each.hotkey ? [Object.assign(document.createElement("kbd"), { textContent: each.hotkey }), " "] : [];
    choice.append(...key, each.name);
    choice.addEventListener("click", () => attempt(() => answer(each.id)));
    return choice;
  }));
  await show();
}

async function show() {
  shownAt = null;
  if (!left.length) return location.reload();
  const path = `/api/items/${left[0].item}/content`;
  const response = await request(path);
  place.textContent = `${left[0].place}; ${left.length} left`;
  if (response.headers.get("Content-Type").startsWith("image/")) {
    const image = Object.assign(document.createElement("img"), { src: path, alt: left[0].place });
    content.replaceChildren(image);
    await image.decode();
  } else {
    content.textContent = await response.text();
  }
  clock.start();
  shownAt = performance.now();
}

async function answer(classId) {
  if (shownAt === null) return;
  const [since, item] = [shownAt, left[0].item];
  shownAt = null;  // one answer, however often a key is pressed
  const event = {
    uuid: crypto.randomUUID(), kind: "label", item, class_id: classId,
    ...clock.read(), client_time: new Date().toISOString(),
  };
  try {
    const [result] = (await (await request("/api/events", { events: [event] })).json()).results;
    if (result.outcome === "refused") throw new Error(result.reason);
  } catch (error) {
    shownAt = since;  // it was not stored: it can be answered again
    throw error;
  }
  left.shift();
  await show();
}

async function attempt(action) {
  try {
    fault.textContent = "";
    await action();
  } catch (error) {
    fault.textContent = `${error.message} Nothing was stored: answer again, or close.`;
  }
}

if (button) {
  button.hidden = false;
  button.addEventListener("click", () => attempt(begin));
  dialog.addEventListener("keydown", (event) => {
    if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
    const chosen = me && me.classes.find((each) => each.hotkey === event.key);
    if (chosen) attempt(() => answer(chosen.id));
  });
  dialog.addEventListener("close", () => location.reload());
}
document.addEventListener("visibilitychange", () => (document.hidden ? clock.hide() : clock.show()));
