// Applies the chosen theme before the first paint. A classic script: modules run after it.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('chasqui-theme');
  } catch {
    // Storage is switched off: the system's theme holds.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
