// Items on which people disagree, one after the other; what is chosen here counts.
import { button, make, text } from "./dom.js";
import { small } from "./item_view.js";
import { searchClasses } from "./class_search.js";
import { close, open } from "./screen.js";

export async function settleDisputes(app) {
  const disputes = await app.attempt("/api/disputes");
  if (!disputes) return;
  next(app, disputes);
}

function next(app, disputes) {
  const [dispute, ...others] = disputes;
  if (!dispute) {
    open("Disagreements", [make("p", { textContent: "People agree on all that was labelled." })]);
    return;
  }
  const settle = (classId) => {
    app.add({ uuid: crypto.randomUUID(), client_time: new Date().toISOString(), kind: "adjudicate", item: dispute.item, class_id: classId });
    app.say(`Settled as ${app.className(classId)}.`);
    close();
    next(app, others);
  };
  const answers = dispute.answers.map((each) => make("li", {}, text(each.person), " says ", text(app.className(each.class_id), "b"),
    ...(each.note ? [text(` “${each.note}”`)] : [])));
  const choices = [...new Set(dispute.answers.map((each) => each.class_id))].map((id) => button(app.className(id), () => settle(id)));
  const other = button("Another class", () => searchClasses(app.me.classes, { choose: (each) => settle(each.id) }));
  const item = make("div", { className: "dispute" }, small({ ...dispute, kind: app.me.kind }, app.me.kind));
  open(`Disagreements: ${disputes.length} left`, [item, make("ul", {}, ...answers),
    make("div", { className: "choices" }, ...choices, other, button("Later", () => { close(); next(app, others); }))]);
}
