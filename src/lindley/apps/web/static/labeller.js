// What the person does, without the page: answers, undo and redo. Each becomes an event in the outbox.
import { merge, openLeases, putFirst } from "./queue.js";

const REPEATABLE = ["kind", "class_id", "reason", "note"];

export class Labeller {
  // add: takes an event; readPast: returns a page of older answers of this person, as history.js does; onItem: shows one.
  constructor({ add, readPast, onItem, clock }) {
    Object.assign(this, { add, readPast, onItem, clock });
    Object.assign(this, { queue: [], answered: new Set(), past: [], future: [], shown: null });
    Object.assign(this, { known: new Set(), before: null, hasOlder: true, reading: null });
  }

  get current() {
    return this.queue[0] ?? null;
  }

  receive(items) {
    this.queue = merge(this.queue, items, this.answered);
    this.display();
  }

  open(items) {
    items.forEach((each) => this.answered.delete(each.item));
    this.queue = putFirst(this.queue, items);
    this.display();
  }

  openLeases() {
    return openLeases(this.queue);
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

  record(item, event) {
    const full = { uuid: crypto.randomUUID(), item: item.item, client_time: new Date().toISOString(), ...event };
    if (item.lease) full.lease = item.lease;
    this.add(full);
    this.known.add(full.uuid);
    this.past.push({ item, event: full });
    return full;
  }

  finish(item) {
    this.answered.add(item.item);
    this.queue = this.queue.filter((each) => each.item !== item.item);
    this.display();
  }

  async undo() {
    while (!this.past.length && this.hasOlder) await this.readOlder();
    const entry = this.past.pop();
    if (!entry) return null;
    this.add({ uuid: crypto.randomUUID(), kind: "undo", target_uuid: entry.event.uuid });
    this.future.push(entry);
    if (["label", "skip"].includes(entry.event.kind)) this.open([{ ...entry.item, lease: null }]);
    return entry;
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
    const entry = this.future.pop();
    if (!entry) return null;
    const repeated = Object.fromEntries(REPEATABLE.filter((each) => each in entry.event).map((each) => [each, entry.event[each]]));
    this.record({ ...entry.item, lease: null }, { ...repeated, prediction_shown: Boolean(entry.item.isRevealed) });
    if (["label", "skip"].includes(entry.event.kind)) this.finish(entry.item);
    return entry;
  }

  display() {
    if (this.shown === this.current?.item) return;
    this.shown = this.current?.item;
    this.clock.start();
    this.onItem(this.current);
  }
}
