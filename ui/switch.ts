// The theme switch: auto follows the system, light and dark stay as chosen in this browser.
const STORED_AS = "ropewalk-theme";

export function startSwitch(): void {
  const control = document.querySelector<HTMLFieldSetElement>("[data-theme-switch]");
  if (!control) return;
  const chosen = localStorage.getItem(STORED_AS) ?? "auto";
  for (const choice of control.querySelectorAll<HTMLInputElement>("input")) {
    choice.checked = choice.value === chosen;
    choice.addEventListener("change", () => choose(choice.value));
  }
}

function choose(theme: string): void {
  const root = document.documentElement;
  if (theme === "auto") {
    localStorage.removeItem(STORED_AS);
    delete root.dataset.theme;
  } else {
    localStorage.setItem(STORED_AS, theme);
    root.dataset.theme = theme;
  }
}
