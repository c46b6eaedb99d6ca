// Elements without HTML: all text is text, whatever is written in it.
export const find = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name.startsWith("aria-") || ["role", "for"].includes(name)) element.setAttribute(name, value);
    else element[name] = value;
  }
  element.append(...children);
  return element;
}

export function button(text, onClick, key = "") {
  const label = key ? [make("kbd", { textContent: key }), " ", text] : [text];
  const made = make("button", { type: "button" }, ...label);
  made.addEventListener("click", onClick);
  return made;
}

// Text of people and of their files: of any direction.
export const text = (content, tag = "span") => make(tag, { textContent: content, dir: "auto" });

export function debounce(work, milliseconds = 150) {
  let timer = 0;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, milliseconds);
  };
}
