/* Light, dark, or as the system has it. A plain script in the head, so that the first paint is right already. */

{
  const KEY = "gatetrail.theme";
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const NAMES = { auto: "System", light: "Light", dark: "Dark" };
  const root = document.documentElement;

  // Some browsers let no page keep anything.
  let unkept = null;
  const stored = () => {
    try { return localStorage.getItem(KEY); } catch { return unkept; }
  };
  const store = (theme) => {
    try { localStorage.setItem(KEY, theme); } catch { unkept = theme; }
  };
  const apply = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  const kept = () => {
    const theme = stored();
    return Object.hasOwn(NEXT, theme ?? "") ? theme : "auto";
  };

  apply(kept());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const name = () => { button.textContent = `Theme: ${NAMES[kept()]}`; };
    name();
    button.addEventListener("click", () => {
      store(NEXT[kept()]);
      apply(kept());
      name();
    });
  });
}
