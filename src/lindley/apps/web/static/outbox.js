// The outbox keeps events until the server has acknowledged each by its uuid, and sends them in their order.
import { Refused } from "./api.js";

const BATCH = 50;
const LONGEST_WAIT = 5000;

export class Outbox {
  // storage: as localStorage; prefix: of its keys, one for each project and person; post: sends a list of events.
  constructor(storage, prefix, post, listener) {
    Object.assign(this, { storage, prefix, post, listener, count: 0, sending: null, wait: 0, timer: 0, fault: "" });
  }

  add(event) {
    this.count += 1;
    const order = [Date.now(), this.count].map((each) => String(each).padStart(16, "0")).join("-");
    this.storage.setItem(`${this.prefix}${order}-${event.uuid}`, JSON.stringify(event));
    this.send();
  }

  keys() {
    const all = Array.from({ length: this.storage.length }, (_, index) => this.storage.key(index));
    return all.filter((key) => key.startsWith(this.prefix)).sort();
  }

  items() {
    return this.keys().map((key) => JSON.parse(this.storage.getItem(key)).item);
  }

  // Sends what is there; events that are added meanwhile follow in the next batch.
  send() {
    clearTimeout(this.timer);
    this.sending ??= this.sendAll();
    return this.sending;
  }

  // Returns when nothing is left to be sent; raises where the server does not take it.
  async settle() {
    while (this.keys().length) {
      await this.send();
      if (this.fault) throw new Error(this.fault);
    }
  }

  async sendAll() {
    await null;  // what is added at once goes along
    let batch = BATCH;
    try {
      for (let keys = this.keys(); keys.length; keys = this.keys()) {
        const some = keys.slice(0, batch);
        try {
          await this.sendSome(some);
          batch = BATCH;
        } catch (error) {
          if (!(error instanceof Refused) || [401, 403, 429].includes(error.status)) throw error;
          if (some.length > 1) batch = 1;  // one of them is at fault: find it
          else this.drop(some[0], error.message);
        }
      }
      [this.wait, this.fault] = [0, ""];
    } catch (error) {
      this.fault = error.message;
      this.wait = Math.min(LONGEST_WAIT, 2 * this.wait || 200);
      this.timer = setTimeout(() => this.send(), this.wait);
    } finally {
      this.sending = null;
      this.listener.onChange(this.keys().length, this.fault);
    }
  }

  async sendSome(keys) {
    const events = keys.map((key) => JSON.parse(this.storage.getItem(key)));
    const answer = await this.post(events);
    const byUuid = new Map(answer.results.map((each) => [each.uuid, each]));
    keys.forEach((key, index) => {
      const result = byUuid.get(events[index].uuid);
      if (result?.outcome === "refused") this.drop(key, result.reason);
      else if (result) this.storage.removeItem(key);
    });
    this.listener.onAnswer(answer);
  }

  drop(key, reason) {
    const event = JSON.parse(this.storage.getItem(key));
    this.storage.removeItem(key);
    this.listener.onRefused(event, reason);
  }
}
