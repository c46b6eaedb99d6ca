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
import { readPast as readPage, showHistory } from "./history.js";
import { allowPan, excerpt, loadAhead, pan, placeOf, setColumns, show, toggleZoom, zoom } from "./item_view.js";
import { COMMANDS, findCommand } from "./keys.js";
import { Labeller } from "./labeller.js";
import { Outbox } from "./outbox.js";
import { goalOf, modelText, paceText, progressText, roundText } from "./progress.js";
import { SETTLED } from "./queue.js";
import { close, isOpen, open, prepare } from "./screen.js";
import { askReason, showHelp, writeNote } from "./small_screens.js";

const HOLD = 30;  // enough for a server that is away for a while
const POLL = 5000;
const clock = new Clock();
let outbox = null;
let isReady = false;  // only what a person can see is labelled
let unready = "";  // why it cannot be
let epoch = null;
let asking = null;
let isRenewing = false;
let roundTrip = 0;  // milliseconds of the last request for items
let isFinished = false;

async function readPast(before) {
  await outbox.settle();  // the server must know all answers of this person
  return readPage(app, before);
}

const app = {
  me: null,
  request,
  labeller: new Labeller({ add: (event) => outbox.add(event), readPast, onItem: showItem, clock }),
  say: (words) => { find("state").textContent = words; },
  className: (id) => app.me.classes.find((each) => each.id === id)?.name ?? `class ${id}`,
  add: (event) => outbox.add(event),
  record(item, event, action) {
    app.labeller.future = [];
    return app.labeller.record(item, event, action);
  },
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
  if (!app.labeller.current) return app.say("There is no item to label.");
  if (!isReady) return app.say(unready);
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
  fit: () => toggleZoom(find("item")),
};

function showItem(item) {
  const box = find("item");
  [isReady, unready] = [false, "Not labelled: the item is not shown yet."];
  find("prediction").replaceChildren();
  find("place").replaceChildren(...(item ? placeOf(item, item.kind) : []));
  markClass(find("classes"), null);
  if (!item) {
    box.className = "";
    box.dataset.item = "";
    if (isRenewing) return box.replaceChildren(make("p", { className: "soft", textContent: "Loading …" }));
    const [said, next] = isFinished
      ? ["All done: nothing is left to label.", "See how good the model is: "]
      : ["Nothing to label at the moment.", "More comes when the model is trained: "];
    const status = make("a", { href: "/status", textContent: "Status" });
    box.replaceChildren(make("p", { textContent: said }), make("p", { className: "soft" }, next, status));
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
  unready = "Not labelled: the item cannot be shown. Skip it with S.";
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
  if (answer.classes_version > app.me.classes_version) renewClasses(answer.classes_version);
  if (epoch !== null && answer.epoch > epoch) renew();
  epoch = answer.epoch;
}

// Others change the classes too, and so do commands.
async function renewClasses(version) {
  const before = app.me.classes_version;
  app.me.classes_version = version;
  try {
    const classes = await request("/api/classes");
    if (JSON.stringify(classes) === JSON.stringify(app.me.classes)) return;  // this page changed them
    app.setClasses(classes);
    app.say("The classes have changed: look at their names and keys.");
  } catch {
    app.me.classes_version = before;  // the next answer is another try
  }
}

// A new model orders anew what lies beyond the next item, and beyond what is answered until the server has done so.
async function renew() {
  if (isRenewing) return;
  isRenewing = true;
  const perLabel = 60_000 / (clock.pace() ?? 240);
  const items = app.labeller.giveBack(SETTLED + Math.ceil((2 * roundTrip) / perLabel));
  try {
    if (items.length) await request("/api/release", { leases: items.map((each) => each.lease) });
  } catch {
    app.labeller.keep(items);
  }
  await asking;
  await ask();
  isRenewing = false;
  if (!app.labeller.current) showItem(null);
}

function ask() {
  asking ??= askNow().finally(() => { asking = null; });
  return asking;
}

async function askNow() {
  try {
    receive(await post("/api/next", { n: HOLD }));
  } catch (error) {
    if (error.status) app.say(error.message);
  }
}

async function post(path, body) {
  const start = performance.now();
  const answer = await request(path, body);
  roundTrip = performance.now() - start;
  return answer;
}

function drawProgress() {
  const { progress, model } = app.me;
  find("progress").textContent = progressText(progress);
  const goal = goalOf(progress);
  [find("bar").max, find("bar").value] = [goal.items, goal.labelled];
  find("pace").textContent = paceText(progress, clock.pace());
  find("model").textContent = modelText(model, app.me.round);
  find("model").title = roundText(app.me.round);
}

function onKey(event) {
  if (isOpen() || !app.me || event.target.matches?.("input, textarea, select")) return;
  if (!event.ctrlKey && !event.altKey && !event.metaKey && pan(find("item"), event.key)) return event.preventDefault();
  if (event.repeat) return;
  const command = findCommand(event, app.me.classes);
  if (!command) return;
  event.preventDefault();
  if (command.name === "label") label(app.me.classes.find((each) => each.id === command.classId));
  else WORK[command.name]();
}

const SHORT = { skip: "Skip", undo: "Undo", redo: "Redo", flag: "Flag", note: "Note", reveal: "Prediction", history: "History",
  find: "Find", similar: "More like this", grid: "Grid", disputes: "Disagreements", classes: "Classes", help: "Help" };
const NEAR = ["skip", "undo", "redo", "flag", "note", "reveal"];
const ZOOMS = { zoomIn: "Zoom in", zoomOut: "Zoom out", fit: "Full size" };

// The buttons beside the item, and those of the tools, which a small window has in a screen of their own.
function drawTools() {
  const zooms = app.me.kind === "images" ? ZOOMS : {};
  const draw = ([key, command, what], name, work) => Object.assign(button(name, work, key.replace("Shift+", "⇧")), { title: what });
  const isNear = ([, command]) => NEAR.includes(command) || command in zooms;
  for (const each of COMMANDS.filter(isNear)) {
    find("actions").append(draw(each, SHORT[each[1]] ?? zooms[each[1]], WORK[each[1]]));
  }
  const tools = COMMANDS.filter((each) => !isNear(each) && each[1] in SHORT);
  for (const each of tools) find("tools").append(draw(each, SHORT[each[1]], WORK[each[1]]));
  find("menu").addEventListener("click", () => {
    const buttons = tools.map((each) => draw(each, SHORT[each[1]], () => { close(); WORK[each[1]](); }));
    const colours = button(find("theme").textContent, () => { find("theme").click(); close(); });
    open("Tools", [make("nav", { className: "menu", "aria-label": "Tools" }, make("a", { href: "/status", textContent: "Status" }), ...buttons, colours)]);
  });
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
  app.me = await request("/api/me");
  setToken(app.me.csrf);
  setColumns(app.me.columns);
  document.title = `${app.me.name} – lindley`;
  find("name").textContent = app.me.name;
  outbox = new Outbox(localStorage, `lindley-outbox:${app.me.id}:${app.me.person}:`,
    (events) => post("/api/events", { events, next: HOLD }), {
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
  find("item").focus({ preventScroll: true });
  await ask();
  app.labeller.display();
  if (!app.labeller.current) showItem(null);
}

start().catch((error) => { find("item").textContent = error.message; });
