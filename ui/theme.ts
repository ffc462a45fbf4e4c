// Runs before the first paint: a chosen theme must not flash in after the other one.
const chosen = localStorage.getItem("ropewalk-theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
document.documentElement.classList.add("has-script");
