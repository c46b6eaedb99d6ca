// Light or dark: as the system says, or as the person chose here.
(() => {
  const wanted = localStorage.getItem("lindley-theme");
  if (wanted) document.documentElement.dataset.theme = wanted;
})();
