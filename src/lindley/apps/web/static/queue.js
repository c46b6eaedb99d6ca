// The items that this person holds. The one on screen and the next one never change under their hands.
export const SETTLED = 2;

const isKept = (item, index) => index < SETTLED || item.isPicked;

// What to show after the server said what the person holds: `answered` holds the items that they answered since.
export function merge(queue, served, answered) {
  const kept = queue.filter(isKept);
  const known = new Set(kept.map((each) => each.item));
  const leases = new Map(served.map((each) => [each.item, each.lease]));
  for (const each of kept) each.lease ??= leases.get(each.item) ?? null;  // that of an item that was opened again
  return [...kept, ...served.filter((each) => !known.has(each.item) && !answered.has(each.item))];
}

// What a new model may order anew: all but the first items, as many as may be answered meanwhile.
export function openItems(queue, kept = SETTLED) {
  return queue.filter((item, index) => index >= kept && !item.isPicked && item.lease);
}

// Items that the person asked for, before all others.
export function putFirst(queue, items) {
  const wanted = new Set(items.map((each) => each.item));
  const picked = items.map((each) => ({ ...each, isPicked: true }));
  return [...picked, ...queue.filter((each) => !wanted.has(each.item))];
}
