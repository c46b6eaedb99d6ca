// The page: it shows an item, takes one key, shows the next. Answers go out through the outbox, and nothing waits for them.

import { request, setToken } from "./api.js";
import { classOfKey, editClasses, searchClass, showClasses } from "./class_picker.js";
import { Clock, IDLE_CAP_SECONDS } from "./clock.js";
import { ask, choose, isOpen, openDialog } from "./dialogs.js";
import { element, preload, reveal, showItem } from "./item_view.js";
import { Outbox } from "./outbox.js";
import { Queue } from "./queue.js";
import { openDisputes, openGrid, openHistory, openSearch, openSimilar } from "./tools.js";

const HOLD = 24;
const MOST_ITEMS = 100;
const POLL_MS = 2000;
const find = (id) => document.getElementById(id);

const queue = new Queue();
const clock = new Clock();
const done = [];    // what undo takes back, the last one at the end: { event, item }
const undone = [];  // what redo does again
let me = null;
let outbox = null;
let isShown = false;      // only what a person can see is labelled
let isRevealed = false;
let onScreen = null;

// Showing

function show() {
  const item = queue.current;
  if (item && onScreen === item.item) return;
  onScreen = item?.item ?? null;
  isShown = isRevealed = false;
  find("prediction").textContent = "";
  find("place").textContent = item && item.kind !== "images" && item.content ? item.place : "";
  for (const id of ["skip", "flag", "note", "reveal", "similar"]) find(id).disabled = !item;
  if (!item) {
    showEnd();
    return;
  }
  clock.begin();
  showItem(find("item"), item, () => {
    isShown = true;
    clock.begin();
  });
  preload(queue.items.slice(1, 4));
  announce(item.kind === "images" ? item.place : item.content.slice(0, 200) || item.place);
}

function showEnd() {
  const texts = queue.finished
    ? ["All done: nothing is left to label.", "See how good the model is."]
    : ["Nothing to label at the moment.", "The next items come when the model is trained."];
  const link = element("a", { href: "/status", textContent: "Status" });
  const more = element("p", {}, texts[1], " ", link);
  find("item").replaceChildren(element("p", { className: "text medium", textContent: texts[0] }), more);
  announce(texts[0]);
}

// The live region says what is new; one that said everything on screen would read all of it at every key.
function announce(text) {
  find("announce").textContent = text;
}

function showProgress({ progress, model }) {
  const goal = progress.target_labels ?? progress.items;
  find("bar").value = goal ? Math.min(1, progress.labelled / goal) : 0;
  const parts = [`${progress.labelled.toLocaleString("en")} of ${goal.toLocaleString("en")} labelled`];
  const pace = clock.labelsPerMinute;
  if (pace !== null) {
    parts.push(`${pace.toFixed(0)} a minute`);
    if (progress.target_labels) parts.push(timeLeft((progress.target_labels - progress.labelled) / pace));
  }
  const states = { training: "a model is being trained", failed: "the last training failed: see Status" };
  const behind = model.labels_behind ? `model ${model.labels_behind} answers behind` : "model up to date";
  parts.push(states[model.state] ?? (model.version ? behind : "no model yet"));
  find("progress").textContent = parts.filter(Boolean).join(" · ");
  find("progress").title = `Time at an item counts up to ${IDLE_CAP_SECONDS} seconds, and not while the page is hidden.`;
}

function timeLeft(minutes) {
  if (minutes <= 0) return "goal reached";
  return minutes < 60 ? `${Math.ceil(minutes)} minutes left` : `${(minutes / 60).toFixed(1)} hours left`;
}

function showState(text) {
  find("state").textContent = text;
}

function showButtons() {
  find("redo").disabled = !undone.length;
}

// What the server says

function take(served) {
  const stale = queue.staleLeases(served.epoch);
  queue.update(served, (item) => outbox.answers(item));
  showProgress(served);
  show();
  if (stale.length) renew(stale);
}

// Enough for the keys of some seconds without the server; more where a person picked more.
function numToHold() {
  return Math.min(MOST_ITEMS, Math.max(HOLD, queue.items.length));
}

// A new model has ranked: what lies beyond the next item goes back, and comes anew.
async function renew(leases) {
  try {
    await request("/api/release", { leases });
    const gone = new Set(leases);
    queue.items = queue.items.filter((each) => !gone.has(each.lease));
    take(await request("/api/next", { n: numToHold() }));
  } catch {
    // the items that are held serve on
  }
}

async function poll() {
  if (document.hidden || outbox.events.length) return;
  take(await request("/api/next", { n: numToHold() }));
}

// What a person does

function finish(event, item) {
  if (item) {
    done.push({ event, item });
    undone.length = 0;
  }
  showButtons();
}

function answer(kind, more = {}) {
  const item = queue.current;
  if (!item || (kind === "label" && !isShown)) return;
  const times = clock.read();
  clock.count(times);
  queue.takeCurrent();
  const given = { kind, item: item.item, lease: item.lease, ...times, prediction_shown: isRevealed, ...more };
  finish(outbox.push(given), item);
  show();
}

function label(each) {
  answer("label", { class_id: each.id });
}

function skip() {
  if (queue.current) choose("Why do you skip it?", me.reasons, (reason) => answer("skip", { reason }));
}

function remark(kind, title) {
  const item = queue.current;
  if (!item) return;
  ask(title, kind === "flag" ? "What is wrong with the item?" : "A note about the item", "Save", (note) => {
    outbox.push({ kind, item: item.item, note });
    showState(kind === "flag" ? "The item is flagged." : "The note is saved.");
  });
}

async function undo() {
  const last = done.pop();
  if (last === undefined) {
    await undoEarlier();
    return;
  }
  outbox.push({ kind: "undo", target_uuid: last.event.uuid, item: last.item.item });
  undone.push(last);
  queue.putFirst([last.item]);
  onScreen = null;
  show();
  showButtons();
}

// What this page has not seen, from yesterday or from before a reload, is found by the history.
async function undoEarlier() {
  const past = await request("/api/history?limit=50").catch(() => []);
  const found = past.find((each) => !each.undone && ["label", "skip"].includes(each.kind));
  if (found) undoPast(found);
  else showState("There is nothing to undo.");
}

function undoPast(found) {
  outbox.push({ kind: "undo", target_uuid: found.uuid, item: found.item });
  const names = { kind: me.kind, url: `/api/items/${found.item}/content`, lease: null, epoch: null };
  const isAnswer = ["label", "skip"].includes(found.kind);
  if (!isAnswer) return;
  const item = { ...names, item: found.item, content: found.content, place: found.place };
  const { item: number, class_id, kind } = found;
  undone.push({ event: { kind, item: number, ...(kind === "label" ? { class_id } : { reason: found.reason }) }, item });
  queue.putFirst([item]);
  onScreen = null;
  show();
  showButtons();
}

function redo() {
  const again = undone.pop();
  if (!again) return;
  const { uuid, client_time, ...event } = again.event;
  queue.items = queue.items.filter((each) => each.item !== again.item.item);
  done.push({ event: outbox.push(event), item: again.item });
  onScreen = null;
  show();
  showButtons();
}

function relabel(past) {
  searchClass("The right class", me.classes, (each) => {
    outbox.push({ kind: "label", item: past.item, class_id: each.id });
    showState(`It is ${each.name} now.`);
  });
}

async function showPrediction() {
  const item = queue.current;
  if (!item) return;
  try {
    const text = await reveal(item, me.classes);
    if (queue.current !== item) return;
    isRevealed = true;
    find("prediction").textContent = text;
  } catch (error) {
    showState(error.message);
  }
}

function help() {
  const keys = [
    ["a class's key", "labels the item and shows the next one"],
    ["/", "finds a class by its name"],
    ["s", "skips the item, with a reason"],
    ["u, Ctrl Z", "undoes the last answer, also yesterday's"],
    ["Ctrl Y, Ctrl Shift Z", "does it again"],
    ["Space", "shows what the model says, which is recorded"],
    ["?", "opens this help"],
  ];
  const list = element("dl");
  for (const [key, text] of keys) list.append(element("dt", {}, element("kbd", { textContent: key })), element("dd", { textContent: text }));
  const described = element("dl");
  for (const each of me.classes.filter((one) => one.description)) {
    described.append(element("dt", { textContent: each.name }), element("dd", { textContent: each.description }));
  }
  const guideline = element("p", { className: "guideline", dir: "auto", textContent: me.guideline.text || "There is no guideline yet." });
  const edit = element("button", { type: "button", textContent: "Change the guideline" });
  edit.addEventListener("click", () => {
    ask("Guideline", "What people should know when they label", "Save", async (text) => {
      me.guideline = await request("/api/guideline", { text });
    });
  });
  const parts = [element("h3", { textContent: "Keys" }), list];
  if (described.children.length) parts.push(element("h3", { textContent: "Classes" }), described);
  openDialog("Help", [...parts, element("h3", { textContent: "Guideline" }), guideline, edit], { wide: true });
}

// Tools

function setClasses(classes) {
  me.classes = classes;
  showClasses(find("classes"), classes, label, search);
}

function search() {
  searchClass("Label as", me.classes, label);
}

function className(id) {
  return me.classes.find((each) => each.id === id)?.name;
}

function pick(items) {
  queue.putFirst(items);
  onScreen = null;
  show();
}

function grid() {
  searchClass("Which class?", me.classes, (chosen) => {
    const labelAll = (items, each) => {
      for (const item of items) {
        const more = { lease: item.lease, class_id: each.id, view: "grid", prediction_shown: true };
        finish(outbox.push({ kind: "label", item: item.item, ...more }), item);
      }
      showState(`${items.length} items are labelled ${each.name}.`);
    };
    const release = (leases) => leases.length && request("/api/release", { leases }).catch(() => {});
    openGrid(chosen, { kind: me.kind, label: labelAll, release }).catch((error) => showState(error.message));
  });
}

function settle(item, each) {
  if (each) outbox.push({ kind: "adjudicate", item: item.item, class_id: each.id });
}

const ACTIONS = {
  "open-search": () => openSearch({ kind: me.kind, className, pick }),
  "open-grid": grid,
  "open-history": () => openHistory({ kind: me.kind, undo: undoPast, relabel }),
  "open-classes": () => editClasses(me.classes, setClasses),
  "open-disputes": () => openDisputes({ kind: me.kind, classes: me.classes, className, settle }),
  "open-help": help,
  theme: switchTheme,
  skip,
  undo,
  redo,
  flag: () => remark("flag", "Flag"),
  note: () => remark("note", "Note"),
  reveal: showPrediction,
  similar: () => queue.current && openSimilar(queue.current, { kind: me.kind, className, pick }),
};

function switchTheme() {
  const isDark = document.documentElement.dataset.theme
    ? document.documentElement.dataset.theme === "dark"
    : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = isDark ? "light" : "dark";
  localStorage.setItem("lindley-theme", document.documentElement.dataset.theme);
}

// Keys

function onKey(event) {
  if (!me || isOpen() || event.repeat || event.altKey) return;
  if (event.ctrlKey || event.metaKey) {
    const key = event.key.toLowerCase();
    if (key === "z" || key === "y") {
      event.preventDefault();
      if (key === "y" || event.shiftKey) redo();
      else undo();
    }
    return;
  }
  const own = { s: skip, u: undo, "/": search, "?": help, " ": showPrediction };
  const action = own[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (event.key === " " && event.target instanceof HTMLElement && event.target.closest("button, a")) return;
  const chosen = classOfKey(me.classes, event.key);
  if (!chosen && !action) return;
  event.preventDefault();
  if (chosen) label(chosen);
  else action();
}

async function start() {
  const theme = localStorage.getItem("lindley-theme");
  if (theme) document.documentElement.dataset.theme = theme;
  me = await request("/api/me");
  setToken(me.csrf);
  document.title = `${me.name} – lindley`;
  find("name").textContent = me.name;
  find("similar").hidden = !me.features.similar;
  find("open-grid").hidden = find("reveal").hidden = me.classes.length === 0;
  const onRefused = (event, reason) => showState(`An answer was not stored: ${reason}`);
  outbox = new Outbox(`${me.name}:${me.person}`, numToHold, { onServed: take, onState: showState, onRefused });
  setClasses(me.classes);
  showProgress(me);
  outbox.run();
  await poll().catch((error) => showState(error.message));
  request("/api/disputes").then((found) => { find("open-disputes").hidden = !found.length; }, () => {});
  setInterval(() => poll().catch(() => {}), POLL_MS);
}

for (const [id, action] of Object.entries(ACTIONS)) {
  find(id).addEventListener("click", () => {
    action();
    if (!isOpen()) find("item").focus({ preventScroll: true });
  });
}
document.addEventListener("keydown", onKey);
document.addEventListener("visibilitychange", () => (document.hidden ? clock.pause() : clock.resume()));
// A closed page holds nothing: what it has not answered is there for others at once, and again for a reload.
addEventListener("pagehide", () => {
  const leases = queue.items.map((each) => each.lease).filter(Boolean).slice(0, MOST_ITEMS);
  if (leases.length) request("/api/release", { leases }, { keepalive: true }).catch(() => {});
});
addEventListener("pageshow", (event) => event.persisted && location.reload());
start().catch((error) => { find("item").textContent = error.message; });
