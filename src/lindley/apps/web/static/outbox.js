// The events that the server has not acknowledged, in their order. They are kept in the browser, over a reload too.

import { RefusedError, request } from "./api.js";

const MOST_AT_ONCE = 20;
const LONGEST_WAIT = 5000;

export class Outbox {
  // Takes a name that no other project or person has, what says how many items to hold after an event, and what to call.
  constructor(name, hold, { onServed, onState, onRefused }) {
    this.name = `lindley-outbox:${name}`;
    this.hold = hold;
    this.onServed = onServed;
    this.onState = onState;
    this.onRefused = onRefused;
    this.events = JSON.parse(localStorage.getItem(this.name) ?? "[]");
    this.running = false;
  }

  push(event) {
    const full = { uuid: crypto.randomUUID(), client_time: new Date().toISOString(), ...event };
    this.events.push(full);
    this.save();
    this.run();
    return full;
  }

  // Whether the last unsent event of an item answers it.
  answers(item) {
    const last = this.events.findLast((each) => each.item === item && ["label", "skip", "undo"].includes(each.kind));
    return last !== undefined && last.kind !== "undo";
  }

  async run() {
    if (this.running) return;
    this.running = true;
    let wait = 200;
    while (this.events.length) {
      try {
        await this.send();
        wait = 200;
      } catch (error) {
        if (error instanceof RefusedError) {
          this.onState(`Nothing is lost, but the server takes no answers: ${error.message}`);
          break;
        }
        const waiting = this.events.length === 1 ? "1 answer waits" : `${this.events.length} answers wait`;
        this.onState(`The server does not answer: ${waiting} in this browser, and will be sent.`);
        await new Promise((resolve) => setTimeout(resolve, wait));
        wait = Math.min(LONGEST_WAIT, 2 * wait);
      }
    }
    this.running = false;
  }

  async send() {
    const sent = this.events.slice(0, MOST_AT_ONCE);
    const answer = await this.post(sent);
    const done = new Set(answer.results.map((each) => each.uuid));
    this.events = this.events.filter((each) => !done.has(each.uuid));
    this.save();
    this.onState("");
    for (const each of answer.results) {
      if (each.outcome === "refused") this.onRefused(sent.find((event) => event.uuid === each.uuid), each.reason);
    }
    this.onServed(answer);
  }

  // A body that the server cannot take is sent event by event, so that one wrong event holds no other up.
  async post(sent) {
    try {
      return await request("/api/events", { events: sent.map(withoutItemOfUndo), next: this.hold() });
    } catch (error) {
      if (!(error instanceof RefusedError) || error.status !== 422) throw error;
      if (sent.length > 1) return this.post(sent.slice(0, 1));
      const results = [{ uuid: sent[0].uuid, outcome: "refused", reason: error.message }];
      return { ...(await request("/api/next", { n: this.hold() })), results };
    }
  }

  save() {
    localStorage.setItem(this.name, JSON.stringify(this.events));
  }
}

// An undo names its event; its item is for this page alone.
function withoutItemOfUndo(event) {
  const { item, ...rest } = event;
  return event.kind === "undo" ? rest : event;
}
