// Light or dark, on all pages: as the system says, or as the person chose; the button #theme changes it.
(() => {
  const KEY = "lindley-theme";
  const NAMES = { "": "Colours: system", light: "Colours: light", dark: "Colours: dark" };
  const read = () => {
    const kept = localStorage.getItem(KEY);
    return kept in NAMES ? kept : "";
  };
  function draw() {
    const theme = read();
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    const button = document.getElementById("theme");
    if (button) [button.textContent, button.hidden] = [NAMES[theme], false];
  }
  function change() {
    const themes = Object.keys(NAMES);
    localStorage.setItem(KEY, themes[(themes.indexOf(read()) + 1) % themes.length]);
    draw();
  }
  draw();  // before the first paint
  addEventListener("storage", draw);  // another page changed it
  document.addEventListener("DOMContentLoaded", () => {
    draw();
    document.getElementById("theme")?.addEventListener("click", change);
  });
})();
