// A run's page follows its run: the server tells by events that something changed, and draws the parts anew. On a
// table of runs new ones are announced and not put in, so that nothing moves under the reader's pointer.
import { say, swap } from "./live";

const LEAST_MS = 1_000;

export function startRun(): void {
  const run = document.querySelector<HTMLElement>("[data-live-run]")?.dataset.liveRun;
  if (run) follow(`run:${run}`, ["metrics", "run", "reset"], atMostEvery(LEAST_MS, () => void swap()));
  const pill = document.querySelector<HTMLElement>("[data-live-runs]");
  if (pill) announce(pill);
}

function follow(topics: string, kinds: string[], changed: (event: MessageEvent<string>) => void): void {
  let source: EventSource | null = null;
  let last = "";
  const open = (): void => {
    // A page in the background would take one of the few connections that a browser has for a server.
    const since = last ? `&since=${encodeURIComponent(last)}` : "";
    source = new EventSource(`/api/events?topics=${encodeURIComponent(topics)}${since}`);
    source.onopen = () => say("Follows the run");
    source.onerror = () => say("Not connected: these are the last known values");
    for (const kind of kinds) {
      source.addEventListener(kind, (event: MessageEvent<string>) => {
        if (event.lastEventId) last = event.lastEventId;
        changed(event);
      });
    }
  };
  document.addEventListener("visibilitychange", () => {
    source?.close();
    if (!document.hidden) open();
  });
  // A stream that is left open keeps the browser from keeping the page for the way back.
  addEventListener("pagehide", () => source?.close());
  open();
}

function announce(pill: HTMLElement): void {
  let count = 0;
  follow("runs", ["run"], (event) => {
    const told = JSON.parse(event.data) as { is_new?: boolean; experiment_id?: string };
    const wanted = pill.dataset.liveRuns;
    if (!told.is_new || (wanted && told.experiment_id !== wanted)) return;
    count += 1;
    const link = document.createElement("a");
    link.href = location.href;
    link.textContent = `${count} new run${count > 1 ? "s" : ""}: show`;
    pill.replaceChildren(link);
    pill.hidden = false;
  });
}

function atMostEvery(ms: number, act: () => void): () => void {
  let waiting = 0;
  return () => {
    waiting ||= window.setTimeout(() => {
      waiting = 0;
      act();
    }, ms);
  };
}
