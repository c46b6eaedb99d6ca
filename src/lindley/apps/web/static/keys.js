// From a key to what it does. A class's own key comes first; the page's own letters need Shift, but S and U.
export const COMMANDS = [
  ["/", "search", "Search the classes"],
  ["S", "skip", "Skip, with a reason"],
  ["U", "undo", "Undo; also Ctrl+Z"],
  ["Shift+U", "redo", "Redo; also Ctrl+Y"],
  ["Shift+F", "flag", "Flag the item"],
  ["Shift+N", "note", "Write a note"],
  ["Shift+P", "reveal", "Show what the model says"],
  ["Shift+H", "history", "Your answers, to change them"],
  ["Shift+S", "find", "Find items by words"],
  ["Shift+L", "similar", "More like this item"],
  ["Shift+G", "grid", "Confirm many at once"],
  ["Shift+D", "disputes", "Settle disagreements"],
  ["Shift+C", "classes", "Change the classes"],
  ["?", "help", "Help, guidelines and keys"],
  ["+", "zoomIn", "Zoom in; arrow keys or the mouse move the image"],
  ["-", "zoomOut", "Zoom out"],
  ["=", "fit", "Show the image's full pixels, or fit it again; also a click"],
];
const BY_KEY = new Map(COMMANDS.map(([key, name]) => [key.toLowerCase(), name]));

export function findCommand(event, classes) {
  const letter = event.key.toLowerCase();
  if (event.altKey) return null;
  if (event.ctrlKey || event.metaKey) {
    if (letter === "z") return { name: event.shiftKey ? "redo" : "undo" };
    return letter === "y" ? { name: "redo" } : null;
  }
  if (event.key.length !== 1) return null;
  const isLetter = letter !== event.key.toUpperCase();
  const exact = classes.find((each) => each.hotkey === event.key);
  if (exact) return { name: "label", classId: exact.id };
  if (isLetter && event.shiftKey) return name(`shift+${letter}`);
  const capital = classes.find((each) => each.hotkey?.toLowerCase() === letter);  // Caps Lock
  return capital ? { name: "label", classId: capital.id } : name(letter);
}

const name = (key) => (BY_KEY.has(key) ? { name: BY_KEY.get(key) } : null);
