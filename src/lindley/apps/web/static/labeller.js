// What the person does, without the page: answers, undo and redo. Each becomes an event in the outbox.
import { merge, openItems, putFirst } from "./queue.js";

const REPEATABLE = ["kind", "class_id", "reason", "note", "view"];
const isEnd = ({ event }) => ["label", "skip"].includes(event.kind);

// Takes the entries of the last action from the end of a list.
function popAction(entries) {
  const last = entries.at(-1);
  let start = entries.length - 1;
  while (last?.action && entries[start - 1]?.action === last.action) start -= 1;
  return last ? entries.splice(start).reverse() : [];
}

export class Labeller {
  // add: takes an event; readPast: returns a page of older answers of this person, as history.js does; onItem: shows one.
  constructor({ add, readPast, onItem, clock }) {
    Object.assign(this, { add, readPast, onItem, clock });
    Object.assign(this, { queue: [], answered: new Set(), returned: new Set(), past: [], future: [], shown: null });
    Object.assign(this, { known: new Set(), before: null, hasOlder: true, reading: null });
  }

  get current() {
    return this.queue[0] ?? null;
  }

  receive(items) {
    this.queue = merge(this.queue, items.filter((each) => !this.returned.has(each.lease)), this.answered);
    this.display();
  }

  open(items) {
    items.forEach((each) => this.answered.delete(each.item));
    this.queue = putFirst(this.queue, items);
    this.display();
  }

  // Takes all but the first items out of the queue: others may have them from now on.
  giveBack(kept) {
    const items = openItems(this.queue, kept);
    items.forEach((each) => this.returned.add(each.lease));
    this.queue = this.queue.filter((each) => !items.includes(each));
    return items;
  }

  // Puts items back into the queue that the server did not take.
  keep(items) {
    items.forEach((each) => this.returned.delete(each.lease));
    this.queue = [...this.queue, ...items.filter((each) => !this.answered.has(each.item))];
    this.display();
  }

  // An answer ends the item; a flag or a note stays with it.
  answer(kind, details = {}) {
    const item = this.current;
    if (!item) return null;
    const time = this.clock.read();
    const entry = this.record(item, { kind, ...time, prediction_shown: Boolean(item.isRevealed), ...details });
    this.future = [];
    if (kind === "label") this.clock.count(time);
    if (["label", "skip"].includes(kind)) this.finish(item);
    return entry;
  }

  // Answers that are given at once have one `action`: they are undone and done again at once.
  record(item, event, action = null) {
    const full = { uuid: crypto.randomUUID(), item: item.item, client_time: new Date().toISOString(), ...event };
    if (item.lease) full.lease = item.lease;
    this.add(full);
    this.known.add(full.uuid);
    this.past.push({ item, event: full, action });
    return full;
  }

  finish(...items) {
    const ended = new Set(items.map((each) => each.item));
    ended.forEach((each) => this.answered.add(each));
    this.queue = this.queue.filter((each) => !ended.has(each.item));
    this.display();
  }

  async undo() {
    while (!this.past.length && this.hasOlder) await this.readOlder();
    const entries = popAction(this.past);
    for (const each of entries) {
      this.add({ uuid: crypto.randomUUID(), kind: "undo", target_uuid: each.event.uuid });
      this.future.push(each);
    }
    const items = entries.filter(isEnd).map(({ item, event }) => (
      { ...item, lease: null, isRevealed: Boolean(item.isRevealed || event.prediction_shown) }));
    if (items.length) this.open(items.reverse());
    return entries.at(-1) ?? null;
  }

  // What was answered before this page was opened, one page of it after the other.
  readOlder() {
    this.reading ??= this.readPast(this.before).then(({ entries, before }) => {
      [this.before, this.hasOlder] = [before, before !== null];
      this.past = [...entries.filter((each) => !this.known.has(each.event.uuid)), ...this.past];
    }).finally(() => { this.reading = null; });
    return this.reading;
  }

  redo() {
    const entries = popAction(this.future);
    for (const { item, event, action } of entries) {
      const repeated = Object.fromEntries(REPEATABLE.filter((each) => each in event).map((each) => [each, event[each]]));
      const isRevealed = Boolean(item.isRevealed || event.prediction_shown);
      this.record({ ...item, lease: null }, { ...repeated, prediction_shown: isRevealed }, action);
    }
    const items = entries.filter(isEnd).map((each) => each.item);
    if (items.length) this.finish(...items);
    return entries.at(-1) ?? null;
  }

  display() {
    if (this.shown === this.current?.item) return;
    this.shown = this.current?.item;
    this.clock.start();
    this.onItem(this.current);
  }
}
