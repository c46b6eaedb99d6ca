// Finds a class by what is typed: names that start so, then words that do, then all that hold it.
import { button, make, text } from "./dom.js";
import { close, open } from "./screen.js";

const MOST = 50;

export function rank(classes, query) {
  const wanted = query.trim().toLowerCase();
  const grade = ({ name }) => {
    const lower = name.toLowerCase();
    if (lower.startsWith(wanted)) return lower === wanted ? 0 : 1;
    if (lower.includes(` ${wanted}`)) return 2;
    return lower.includes(wanted) ? 3 : null;
  };
  const graded = classes.map((each) => [grade(each), each]).filter(([each]) => each !== null);
  return graded.sort((one, other) => one[0] - other[0]).map(([, each]) => each);
}

// Opens the search; `choose` gets the class, `add` the name of a new one.
export function searchClasses(classes, { title = "Search the classes", choose, add = null }) {
  let [found, marked] = [[], 0];
  const list = make("ul", { id: "found-classes", role: "listbox", "aria-label": "Classes found" });
  const input = make("input", {
    type: "text", autofocus: true, placeholder: "Part of a name", role: "combobox", dir: "auto", autocomplete: "off",
    "aria-label": "Part of a class's name", "aria-controls": "found-classes", "aria-expanded": "true",
  });
  const more = make("p", { className: "soft", role: "status" });
  const take = (each) => {
    close();
    choose(each);
  };
  function draw() {
    const lines = found.slice(0, MOST).map((each, index) => {
      const line = make("li", { id: `class-${index}`, role: "option", "aria-selected": String(index === marked) }, text(each.name));
      if (each.hotkey) line.append(" ", make("kbd", { textContent: each.hotkey }));
      if (each.description) line.append(text(each.description, "small"));
      line.addEventListener("click", () => take(each));
      return line;
    });
    list.replaceChildren(...lines);
    input.setAttribute("aria-activedescendant", found.length ? `class-${marked}` : "");
    list.children[marked]?.scrollIntoView({ block: "nearest" });
    more.replaceChildren(found.length ? `${found.length} of ${classes.length} classes` : "No class has this in its name. ");
    const name = input.value.trim();
    if (add && name && !found.some((each) => each.name.toLowerCase() === name.toLowerCase())) {
      more.append(" ", button(`Add the class “${name}”`, () => { close(); add(name); }));
    }
  }
  function search() {
    [found, marked] = [rank(classes, input.value), 0];
    draw();
  }
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    const last = Math.min(found.length, MOST) - 1;
    if (event.key === "Enter" && found[marked] && !event.repeat) take(found[marked]);
    else if (event.key === "ArrowDown") marked = Math.min(last, marked + 1);
    else if (event.key === "ArrowUp") marked = Math.max(0, marked - 1);
    else return;
    event.preventDefault();
    if (event.key !== "Enter") draw();
  });
  open(title, [input, list, more]);
  search();
  input.focus();
}
