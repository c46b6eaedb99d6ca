// Time per item: at most a minute of it counts, and none while the page is hidden.
export const CAP = 60_000;
const RECENT = 50;

export class Clock {
  constructor(now = () => performance.now()) {
    Object.assign(this, { now, recent: [] });
    this.start();
  }

  start() {
    [this.begin, this.visible] = [this.now(), 0];
    this.since = this.isHidden ? null : this.begin;
  }

  hide() {
    if (this.since !== null) this.visible += this.now() - this.since;
    [this.since, this.isHidden] = [null, true];
  }

  show() {
    this.isHidden = false;
    this.since ??= this.now();
  }

  // The time since the item is shown, and how much of it does not count, in milliseconds.
  read() {
    const now = this.now();
    const shown = Math.round(now - this.begin);
    const active = Math.min(CAP, this.visible + (this.since === null ? 0 : now - this.since));
    return { shown_ms: shown, idle_ms: Math.max(0, shown - Math.round(active)) };
  }

  count({ shown_ms, idle_ms }) {
    this.recent = [...this.recent, shown_ms - idle_ms].slice(-RECENT);
  }

  // Labels a minute over the last labels; null until there are some.
  pace() {
    const total = this.recent.reduce((sum, each) => sum + each, 0);
    return this.recent.length < 3 || total <= 0 ? null : (60_000 * this.recent.length) / total;
  }
}
