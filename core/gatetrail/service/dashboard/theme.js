/* Light, dark, or as the system has it. A plain script in the head, so that the first paint is right already. */

{
  const KEY = "gatetrail.theme";
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const NAMES = { auto: "System", light: "Light", dark: "Dark" };
  const root = document.documentElement;

  const apply = (theme) => {
    if (theme === "auto") delete root.dataset.theme;
    else root.dataset.theme = theme;
  };
  const kept = () => {
    const theme = localStorage.getItem(KEY);
    return Object.hasOwn(NEXT, theme ?? "") ? theme : "auto";
  };

  apply(kept());
  document.addEventListener("DOMContentLoaded", () => {
    const button = document.getElementById("theme");
    const name = () => { button.textContent = `Theme: ${NAMES[kept()]}`; };
    name();
    button.addEventListener("click", () => {
      localStorage.setItem(KEY, NEXT[kept()]);
      apply(kept());
      name();
    });
  });
}
