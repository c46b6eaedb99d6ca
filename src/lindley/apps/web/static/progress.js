// How far the labelling is, how fast it goes, and how new the model is, in words.
const count = (number, noun) => `${number.toLocaleString("en")} ${noun}${number === 1 ? "" : "s"}`;

export function progressText(progress) {
  const goal = progress.target_labels ?? progress.items;
  return `${progress.labelled.toLocaleString("en")} of ${goal.toLocaleString("en")}${progress.target_labels ? " wanted" : ""}`;
}

export function paceText(progress, pace) {
  if (pace === null) return "";
  const left = Math.max(0, (progress.target_labels ?? progress.items) - progress.labelled);
  const minutes = left / pace;
  const time = minutes < 90 ? count(Math.ceil(minutes), "minute") : `${(minutes / 60).toFixed(1)} hours`;
  return `${pace < 10 ? pace.toFixed(1) : Math.round(pace)} a minute, ${time} left`;
}

export function modelText(model) {
  const state = { training: "a new model is trained", failed: "the last training failed" }[model.state];
  const base = model.version ? `model ${model.version}, ${model.labels_behind ? count(model.labels_behind, "answer") : "no answer"} newer` : "no model yet";
  return state ? `${base}; ${state}` : base;
}
