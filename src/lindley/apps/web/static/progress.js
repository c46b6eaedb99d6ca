// How far the labelling is, how fast it goes, and how new the model is, in words.
const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;
const share = ({ labelled, items }) => `${labelled.toLocaleString("en")} of ${items.toLocaleString("en")}`;

// What the person works towards: the items of an audit that is under way, the labels that are wanted, or all items.
export function goalOf(progress) {
  if (progress.audit) return progress.audit;
  return { labelled: progress.labelled, items: progress.target_labels ?? progress.items };
}

export function progressText(progress) {
  const all = share({ labelled: progress.labelled, items: progress.target_labels ?? progress.items });
  const text = progress.target_labels ? `${all} wanted` : all;
  return progress.audit ? `audit: ${share(progress.audit)}; ${text}` : text;
}

// The time left is that to the end of an audit or to the wanted labels: nobody has to label all items.
export function paceText(progress, pace) {
  if (pace === null) return "";
  const speed = `${pace < 10 ? pace.toFixed(1) : Math.round(pace)} a minute`;
  if (!progress.audit && !progress.target_labels) return speed;
  const { labelled, items } = goalOf(progress);
  const minutes = Math.max(0, items - labelled) / pace;
  const time = minutes < 90 ? count(Math.ceil(minutes), "minute") : `${(minutes / 60).toFixed(1)} hours`;
  return `${speed}, ${time} left`;
}

// round: the number of new training labels that start a round, or the seconds after the first of them.
export function modelText(model, round) {
  if (!model.version) return firstModelText(model, round);
  const state = { training: ", training a new one…", failed: "; the last training failed, see Status" }[model.state] ?? "";
  return `model ${model.version}, ${model.labels_behind ? `${count(model.labels_behind, "label")} since` : "up to date"}${state}`;
}

function firstModelText(model, { labels }) {
  if (model.state === "failed") return "no model yet: the training failed, see Status";
  const isFirst = model.labels_behind >= (model.epoch ? 1 : labels);  // the round before it orders the first items
  if (model.state === "training" && isFirst) return "training the first model…";
  return `no model yet: it starts at ${count(labels, "training label")}`;
}

export const roundText = ({ labels, seconds }) =>
  `A model is trained after ${count(labels, "new training label")}, or ${count(seconds, "second")} after the first of them.`;
