// Keeps "3 min ago" true while a page stays open, and tells the moment in the reader's own time zone.
const UNITS: [number, string][] = [
  [86_400_000, "day"],
  [3_600_000, "hour"],
  [60_000, "min"],
];
const EVERY_MS = 30_000;

export function startTimes(root: ParentNode): void {
  refresh(root);
  setInterval(() => refresh(document), EVERY_MS);
}

export function refresh(root: ParentNode): void {
  for (const element of root.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
    const moment = new Date(element.dateTime);
    const said = ago(Date.now() - moment.getTime());
    if (element.textContent !== said) element.textContent = said;
    element.title = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
  }
}

function ago(passed: number): string {
  for (const [length, name] of UNITS) {
    const count = Math.floor(passed / length);
    if (count >= 1) return `${count} ${name}${count > 1 && name !== "min" ? "s" : ""} ago`;
  }
  return "just now";
}
