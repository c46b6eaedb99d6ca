// Adds, renames, describes, merges, splits and retires classes.
import { button, make, text } from "./dom.js";
import { open } from "./screen.js";

export function editClasses(app) {
  const fault = make("p", { className: "fault", role: "alert" });
  const list = make("div", { className: "lines" });
  async function change(body, done) {
    try {
      app.setClasses(await app.request("/api/classes", body));
      fault.textContent = "";
      app.say(done);
      draw();
    } catch (error) {
      fault.textContent = error.message;
    }
  }
  function field(label, value, work, done) {
    const input = make("input", { value, dir: "auto", "aria-label": label, placeholder: label });
    const form = make("form", { className: "field" }, input, make("button", { textContent: done }));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      work(input.value.trim());
    });
    return form;
  }
  function merge(each) {
    const others = app.me.classes.filter((other) => other.id !== each.id);
    const choice = make("select", { "aria-label": `The class that takes in ${each.name}` },
      ...others.map((other) => make("option", { value: other.id, textContent: other.name })));
    const go = button("Merge into it", () => change(
      { action: "merge", class_id: each.id, value: Number(choice.value) }, `${each.name} is merged.`));
    return make("div", { className: "field" }, choice, go);
  }
  function line(each) {
    const post = (action, value, done) => change({ action, class_id: each.id, value }, done);
    const split = (value) => post("split", value.split(",").map((name) => name.trim()).filter(Boolean),
      `${each.name} is split; its items come again.`);
    return make("details", {}, make("summary", {}, make("kbd", { textContent: each.hotkey ?? "–" }), " ", text(each.name)),
      field("Name", each.name, (value) => post("rename", value, "Renamed."), "Rename"),
      field("Description", each.description, (value) => post("describe", value, "Described."), "Describe"),
      field("Key", each.hotkey ?? "", (value) => post("hotkey", value || null, "The key is set."), "Set the key"),
      merge(each),
      field("Names of its parts, with commas", "", split, "Split"),
      button("Retire", () => post("retire", null, `${each.name} is no longer offered.`)));
  }
  function draw() {
    list.replaceChildren(...app.me.classes.map(line));
  }
  const add = field("Name of a new class", "", (value) => change({ action: "add", value }, `${value} is added.`), "Add");
  open("Classes", [add, fault, list]);
  draw();
}
