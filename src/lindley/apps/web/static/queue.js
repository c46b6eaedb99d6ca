// The items that this person holds: the one on screen, the next one, and those beyond, which a new model may replace.

const KEPT = 2;

export class Queue {
  constructor() {
    this.items = [];
    this.epoch = null;
    this.finished = false;
  }

  get current() {
    return this.items[0];
  }

  // Take what the server says that the person holds; `isAnswered` knows the answers that it has not seen. What is here
  // keeps its place, and the first two stay whatever the server says.
  update(served, isAnswered) {
    const held = new Map(served.items.map((each) => [each.item, each]));
    const kept = this.items.filter((each, place) => !isAnswered(each.item) && (place < KEPT || held.has(each.item)));
    const known = new Set(kept.map((each) => each.item));
    const more = served.items.filter((each) => !known.has(each.item) && !isAnswered(each.item));
    this.items = [...kept.map((each) => held.get(each.item) ?? each), ...more];
    this.finished = served.finished;
  }

  // The leases to give back when a new model has ranked: all beyond the next item.
  staleLeases(epoch) {
    const isNew = this.epoch !== null && epoch > this.epoch;
    this.epoch = epoch;
    return isNew ? this.items.slice(KEPT).filter((each) => each.epoch !== null && each.epoch !== epoch).map((each) => each.lease) : [];
  }

  takeCurrent() {
    return this.items.shift();
  }

  putFirst(items) {
    const first = new Set(items.map((each) => each.item));
    this.items = [...items, ...this.items.filter((each) => !first.has(each.item))];
  }
}
