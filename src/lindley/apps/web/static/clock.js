// The pace of labelling: time at an item counts up to a cap, and not while the page is hidden.

export const IDLE_CAP_SECONDS = 60;
const WINDOW = 50;

export class Clock {
  constructor() {
    this.seconds = [];
    this.begin();
  }

  // A new item is on screen.
  begin() {
    this.shown = 0;
    this.since = document.hidden ? null : performance.now();
    this.first = performance.now();
  }

  pause() {
    if (this.since !== null) this.shown += performance.now() - this.since;
    this.since = null;
  }

  resume() {
    if (this.since === null) this.since = performance.now();
  }

  // The milliseconds that the item was in sight, and those that do not count.
  read() {
    const inSight = this.shown + (this.since === null ? 0 : performance.now() - this.since);
    const whole = performance.now() - this.first;
    const counted = Math.min(inSight, 1000 * IDLE_CAP_SECONDS);
    return { shown_ms: Math.round(whole), idle_ms: Math.round(whole - counted) };
  }

  count({ shown_ms, idle_ms }) {
    this.seconds = [...this.seconds, (shown_ms - idle_ms) / 1000].slice(-WINDOW);
  }

  get labelsPerMinute() {
    const total = this.seconds.reduce((sum, each) => sum + each, 0);
    return this.seconds.length >= 3 && total > 0 ? (60 * this.seconds.length) / total : null;
  }
}
