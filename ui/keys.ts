// Keyboard: `/` to the field of the page, `g` and a letter to a place, `?` the list of all, Ctrl-Enter to run.
const PAUSE_MS = 1_200;

export function startKeys(): void {
  let after = 0;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) return submit(event);
    if (event.ctrlKey || event.metaKey || event.altKey || isWriting(event.target)) return;
    if (Date.now() - after < PAUSE_MS && go(event.key)) return;
    after = event.key === "g" ? Date.now() : 0;
    if (event.key === "/") focusField(event);
    if (event.key === "?") document.querySelector<HTMLDialogElement>("#keys")?.showModal();
  });
  const button = document.querySelector<HTMLButtonElement>("[data-keys]");
  button?.removeAttribute("hidden");
  button?.addEventListener("click", () => document.querySelector<HTMLDialogElement>("#keys")?.showModal());
}

function go(key: string): boolean {
  const link = document.querySelector<HTMLAnchorElement>(`nav [data-key="${CSS.escape(key)}"]`);
  if (link) location.assign(link.href);
  return link !== null;
}

function focusField(event: Event): void {
  const field = document.querySelector<HTMLElement>("[data-field]");
  if (!field) return;
  event.preventDefault();
  field.focus();
}

function submit(event: Event): void {
  const field = event.target;
  if (field instanceof HTMLTextAreaElement) field.form?.requestSubmit();
}

function isWriting(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
