// The page: puts its parts together, and gives each command its work.
import { request, setToken } from "./api.js";
import { drawClasses, markClass, remember } from "./class_buttons.js";
import { editClasses } from "./class_editor.js";
import { searchClasses } from "./class_search.js";
import { Clock } from "./clock.js";
import { settleDisputes } from "./disputes.js";
import { button, find, make, text } from "./dom.js";
import { findItems, findSimilar } from "./finder.js";
import { openGrid } from "./grid.js";
import { readPast, showHistory } from "./history.js";
import { allowPan, excerpt, loadAhead, show, zoom } from "./item_view.js";
import { COMMANDS, findCommand } from "./keys.js";
import { Labeller } from "./labeller.js";
import { Outbox } from "./outbox.js";
import { modelText, paceText, progressText } from "./progress.js";
import { isOpen, prepare } from "./screen.js";
import { askReason, showHelp, writeNote } from "./small_screens.js";

const HOLD = 30;  // enough for a server that is away for a while
const POLL = 5000;
const clock = new Clock();
let outbox = null;
let isReady = false;  // only what a person can see is labelled
let epoch = null;
let isAsking = false;
let isFinished = false;

const app = {
  me: null,
  request,
  labeller: new Labeller({ add: (event) => outbox.add(event), readPast: () => readPast(app), onItem: showItem, clock }),
  say: (words) => { find("state").textContent = words; },
  className: (id) => app.me.classes.find((each) => each.id === id)?.name ?? `class ${id}`,
  add: (event) => outbox.add(event),
  record: (item, event) => app.labeller.record(item, event),
  release: (leases) => { if (leases.length) request("/api/release", { leases }, { keepalive: true }).catch(() => {}); },
  open(items, classId = null) {
    app.labeller.open(items);
    markClass(find("classes"), classId);
  },
  async attempt(path, body) {
    try {
      return await request(path, body);
    } catch (error) {
      app.say(error.status === 404 ? "This project has no such tool." : error.message);
      return null;
    }
  },
  setClasses(classes) {
    app.me.classes = classes;
    drawClasses(find("classes"), classes, { choose: label, search: WORK.search });
  },
};

function label(chosen) {
  if (!isReady || !app.labeller.current) return;
  remember(chosen);
  app.labeller.answer("label", { class_id: chosen.id });
  app.say(`Labelled ${chosen.name}.`);
  if (!chosen.hotkey) app.setClasses(app.me.classes);
}

async function addClass(name) {
  const classes = await app.attempt("/api/classes", { action: "add", value: name });
  if (!classes) return;
  app.setClasses(classes);
  label(classes.find((each) => each.name === name) ?? classes.at(-1));
}

async function reveal() {
  const item = app.labeller.current;
  const seen = item && await app.attempt("/api/reveal", { item: item.item });
  if (!seen || app.labeller.current !== item) return;
  if (seen.class_id === null) return app.say("There is no model yet.");
  item.isRevealed = true;
  const words = `The model says: ${app.className(seen.class_id)} (${Math.round(100 * seen.probability)} %)`;
  find("prediction").replaceChildren(text(words));
}

async function undo() {
  try {
    const entry = await app.labeller.undo();
    app.say(entry ? "Undone." : "There is nothing to undo.");
    if (entry) markClass(find("classes"), entry.event.class_id ?? null);
  } catch (error) {
    app.say(error.message);
  }
}

const onItem = (work) => () => { if (app.labeller.current) work(); };
const WORK = {
  search: () => searchClasses(app.me.classes, { choose: label, add: addClass }),
  skip: onItem(() => askReason(app)),
  undo,
  redo: () => app.say(app.labeller.redo() ? "Done again." : "There is nothing to redo."),
  flag: onItem(() => {
    app.labeller.answer("flag");
    app.say("The item is flagged.");
  }),
  note: onItem(() => writeNote(app)),
  reveal: onItem(reveal),
  history: () => showHistory(app),
  find: () => findItems(app),
  similar: onItem(() => findSimilar(app)),
  grid: () => openGrid(app),
  disputes: () => settleDisputes(app),
  classes: () => editClasses(app),
  help: () => showHelp(app),
  zoomIn: () => zoom(find("item"), 1.5),
  zoomOut: () => zoom(find("item"), 1 / 1.5),
  fit: () => zoom(find("item"), null),
};

function showItem(item) {
  const box = find("item");
  isReady = false;
  find("prediction").replaceChildren();
  markClass(find("classes"), null);
  if (!item) {
    box.className = "";
    const [said, next] = isFinished
      ? ["All done: nothing is left to label.", "See how good the model is: "]
      : ["Nothing to label at the moment.", "More comes when the model is trained: "];
    const status = make("a", { href: "/status", textContent: "Status" });
    box.replaceChildren(make("p", { textContent: said }), make("p", { className: "soft" }, next, status));
    box.dataset.item = "";
    return;
  }
  show(box, item, {
    ready() {
      if (app.labeller.current !== item) return;
      isReady = true;
      clock.start();
      box.dataset.item = item.item;
      find("announce").textContent = `Next item: ${excerpt(item)}`;
    },
    failed: () => explain(item),
  });
  loadAhead(app.labeller.queue);
}

// Says why an image is not there; it can be skipped, and not labelled.
async function explain(item) {
  const fault = await request(item.url).catch((error) => error);
  if (app.labeller.current !== item) return;
  find("item").replaceChildren(make("p", { textContent: `${fault.message ?? `${item.place} cannot be shown.`} Skip it with S.` }));
}

function receive(answer) {
  const wasFinished = isFinished;
  isFinished = answer.finished;
  app.labeller.receive(answer.items);
  if (!app.labeller.current && isFinished !== wasFinished) showItem(null);
  loadAhead(app.labeller.queue);
  Object.assign(app.me, { progress: answer.progress, model: answer.model });
  drawProgress();
  if (epoch !== null && answer.epoch > epoch) renew();
  epoch = answer.epoch;
}

// A new model orders anew what lies beyond the next item.
async function renew() {
  const leases = app.labeller.openLeases();
  if (leases.length) await request("/api/release", { leases }).catch(() => {});
  ask();
}

async function ask() {
  if (isAsking) return;
  isAsking = true;
  try {
    receive(await request("/api/next", { n: HOLD }));
  } catch (error) {
    if (error.status) app.say(error.message);
  } finally {
    isAsking = false;
  }
}

function drawProgress() {
  const { progress, model } = app.me;
  find("progress").textContent = progressText(progress);
  find("bar").max = progress.target_labels ?? progress.items;
  find("bar").value = progress.labelled;
  find("pace").textContent = paceText(progress, clock.pace());
  find("model").textContent = modelText(model);
}

function onKey(event) {
  if (event.repeat || isOpen() || !app.me || event.target.matches?.("input, textarea, select")) return;
  const command = findCommand(event, app.me.classes);
  if (!command) return;
  event.preventDefault();
  if (command.name === "label") label(app.me.classes.find((each) => each.id === command.classId));
  else WORK[command.name]();
}

const THEMES = ["", "light", "dark"];
function drawTheme() {
  const theme = localStorage.getItem("lindley-theme") ?? "";
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  find("theme").textContent = { "": "Colours: system", light: "Colours: light", dark: "Colours: dark" }[theme];
}

function changeTheme() {
  const theme = localStorage.getItem("lindley-theme") ?? "";
  localStorage.setItem("lindley-theme", THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length]);
  drawTheme();
}

const SHORT = { skip: "Skip", undo: "Undo", redo: "Redo", flag: "Flag", note: "Note", reveal: "Prediction", history: "History",
  find: "Find", similar: "More like this", grid: "Grid", disputes: "Disagreements", classes: "Classes", help: "Help" };
const NEAR = ["skip", "undo", "redo", "flag", "note", "reveal"];

function drawTools() {
  const zooms = app.me.kind === "images" ? { zoomIn: "Zoom in", zoomOut: "Zoom out", fit: "Fit" } : {};
  for (const [key, command, what] of COMMANDS) {
    const name = SHORT[command] ?? zooms[command];
    if (!name || (command === "similar" && !app.me.features?.similar)) continue;
    const made = button(name, () => WORK[command](), key.replace("Shift+", "⇧"));
    made.title = what;
    find(NEAR.includes(command) || zooms[command] ? "actions" : "tools").append(made);
  }
  find("theme").addEventListener("click", changeTheme);
}

function listen() {
  addEventListener("keydown", onKey);
  addEventListener("online", () => outbox.send());
  addEventListener("pagehide", () => app.release(app.labeller.queue.map((each) => each.lease).filter(Boolean)));
  addEventListener("pageshow", (event) => { if (event.persisted) ask(); });
  document.addEventListener("visibilitychange", () => (document.hidden ? clock.hide() : clock.show()));
  setInterval(() => { if (!document.hidden) ask(); }, POLL);
}

async function start() {
  prepare();
  drawTheme();
  app.me = await request("/api/me");
  setToken(app.me.csrf);
  document.title = `${app.me.name} – lindley`;
  find("name").textContent = app.me.name;
  outbox = new Outbox(localStorage, `lindley-outbox:${app.me.id}:${app.me.person}:`,
    (events) => request("/api/events", { events, next: HOLD }), {
      onAnswer: receive,
      onRefused: (event, reason) => app.say(`The server refused an answer (${event.kind}): ${reason}`),
      onChange(left, fault) {
        find("unsent").textContent = fault && left ? `${left} not stored yet: ${fault} They are kept here, and sent again.` : "";
      },
    });
  outbox.items().forEach((each) => app.labeller.answered.add(each));
  app.setClasses(app.me.classes);
  drawTools();
  drawProgress();
  allowPan(find("item"));
  listen();
  outbox.send();
  await ask();
  app.labeller.display();
  if (!app.labeller.current) showItem(null);
}

start().catch((error) => { find("item").textContent = error.message; });
