// Labels that may be wrong are judged again, one at a time: without the old label, and without the model's opinion.
import { Refused, request, setToken } from "./api.js";
import { Clock } from "./clock.js";
import { row, setColumns } from "./item_view.js";
import { reload, send, setSource } from "./transport.js";

const clock = new Clock();

const button = document.getElementById("judge");
const dialog = document.getElementById("judging");
const place = document.getElementById("judging-place");
const content = document.getElementById("judging-item");
const choices = document.getElementById("judging-classes");
const fault = document.getElementById("judging-fault");

let me = null;
let left = [];
let isSeen = false;  // only what a person can see is answered

async function begin() {
  dialog.showModal();
  dialog.focus();  // not a button, which a key that is still held would press
  me = await request("/api/me");
  setToken(me.csrf);
  setColumns(me.columns);
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
  isSeen = false;
  if (!left.length) return reload();
  const path = `/api/items/${left[0].item}/content`;
  const response = await send(path);
  if (!response.ok) throw new Error(`The item cannot be shown (${response.status}).`);
  place.textContent = `${left[0].place}; ${left.length} left`;
  if (response.headers.get("Content-Type").startsWith("image/")) {
    const image = Object.assign(document.createElement("img"), { alt: left[0].place });
    content.replaceChildren(image);
    await setSource(image, path);
    await image.decode();
  } else if (me.kind === "rows") {
    content.replaceChildren(row(await response.text()));
  } else {
    content.textContent = await response.text();
  }
  clock.start();
  isSeen = true;
}

async function answer(classId) {
  if (!isSeen) return;
  const { item } = left[0];
  isSeen = false;  // one answer, however often a key is pressed
  const event = {
    uuid: crypto.randomUUID(), kind: "label", item, class_id: classId,
    ...clock.read(), client_time: new Date().toISOString(),
  };
  try {
    const [result] = (await request("/api/events", { events: [event] })).results;
    if (result.outcome === "refused") throw new Refused(result.reason);
  } catch (error) {
    isSeen = true;  // it was not stored: it can be answered again
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
  dialog.addEventListener("close", () => reload());
}
document.addEventListener("visibilitychange", () => (document.hidden ? clock.hide() : clock.show()));
