// Live refresh: asks the page's own .json every few seconds while somebody looks, and when its content has
// changed fetches the page and swaps in the parts marked as live. The server draws; nothing is drawn twice.
import { refresh } from "./times";

const EVERY_MS = 4_000;
const SLOWEST_MS = 60_000;

export function startLive(): void {
  const source = document.querySelector<HTMLElement>("[data-live-source]")?.dataset.liveSource;
  if (source) void watch(source);
}

async function watch(source: string): Promise<void> {
  let tag: string | null = null;
  let wait = EVERY_MS;
  for (;;) {
    try {
      const answer: Response = await fetch(source, { headers: tag ? { "if-none-match": tag } : {} });
      const found: string | null = answer.headers.get("etag");
      if (answer.ok && tag && found !== tag) await swap();
      if (answer.ok) tag = found;
      wait = EVERY_MS;
      say("");
    } catch {
      // The server is gone or restarting: keep what is shown, say so, and ask less often.
      wait = Math.min(wait * 2, SLOWEST_MS);
      say("Not connected: these are the last known values");
    }
    await sleep(wait);
    await untilVisible();
  }
}

export async function swap(): Promise<void> {
  const answer = await fetch(location.href, { headers: { accept: "text/html" } });
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll<HTMLElement>("[data-live]")) {
    const other = fresh.querySelector<HTMLElement>(`[data-live="${part.dataset.live}"]`);
    if (!other || part.innerHTML === other.innerHTML || part.contains(document.activeElement)) continue;
    part.replaceChildren(...other.childNodes);
    refresh(part);
  }
}

export function say(words: string): void {
  const place = document.querySelector<HTMLElement>("[data-live-state]");
  if (place && place.textContent !== words) place.textContent = words;
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

function untilVisible(): Promise<void> {
  if (!document.hidden) return Promise.resolve();
  return new Promise((resolve) => document.addEventListener("visibilitychange", () => resolve(), { once: true }));
}
