// Pan and zoom for lineage pictures, by changing the picture's viewBox: drag or the arrow keys move it,
// the wheel with Ctrl and the buttons zoom. Without this island the picture scrolls in its frame.
const SMALLEST_SCALE = 0.8; // below this, the boxes' words are too small to read at first sight
const HIGHEST = 0.74; // of the window
interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

export function startLineage(): void {
  for (const frame of document.querySelectorAll<HTMLElement>("[data-lineage]")) {
    const picture = frame.querySelector<SVGSVGElement>("svg.lineage");
    if (picture) new Picture(frame, picture);
  }
}

class Picture {
  private readonly whole: Box;
  private box: Box;

  constructor(
    private readonly frame: HTMLElement,
    private readonly picture: SVGSVGElement,
  ) {
    const { x, y, width, height } = picture.viewBox.baseVal;
    this.whole = { x, y, width, height };
    frame.classList.add("is-live");
    picture.setAttribute("height", String(Math.min(height, innerHeight * HIGHEST)));
    this.box = this.readable();
    this.show(this.box);
    this.bindButtons();
    this.bindPointer();
    this.bindKeys();
  }

  private bindButtons(): void {
    for (const button of this.frame.querySelectorAll<HTMLButtonElement>("[data-zoom]")) {
      button.hidden = false;
      button.addEventListener("click", () => {
        const factor = Number(button.dataset.zoom);
        if (factor) this.zoom(factor, this.box.x + this.box.width / 2, this.box.y + this.box.height / 2);
        else this.show({ ...this.whole });
      });
    }
  }

  private bindPointer(): void {
    let last: PointerEvent | null = null;
    let moved = 0;
    this.picture.addEventListener("pointerdown", (event) => {
      if (event.button === 0) last = event;
      moved = 0;
    });
    addEventListener("pointermove", (event) => {
      if (!last) return;
      const scale = this.scale();
      moved += Math.abs(event.clientX - last.clientX) + Math.abs(event.clientY - last.clientY);
      if (moved > 4) this.move((last.clientX - event.clientX) * scale, (last.clientY - event.clientY) * scale);
      last = event;
    });
    addEventListener("pointerup", () => (last = null));
    // A drag that began on a box must not follow the box's link.
    this.picture.addEventListener("click", (event) => moved > 4 && event.preventDefault(), true);
    this.picture.addEventListener("dragstart", (event) => event.preventDefault());
    this.picture.addEventListener(
      "wheel",
      (event) => {
        if (!event.ctrlKey && !event.metaKey) return;
        event.preventDefault();
        const { left, top } = this.picture.getBoundingClientRect();
        const scale = this.scale();
        const at = [this.box.x + (event.clientX - left) * scale, this.box.y + (event.clientY - top) * scale] as const;
        this.zoom(event.deltaY < 0 ? 0.85 : 1 / 0.85, ...at);
      },
      { passive: false },
    );
  }

  private bindKeys(): void {
    const steps: Record<string, [number, number]> = {
      ArrowLeft: [-60, 0],
      ArrowRight: [60, 0],
      ArrowUp: [0, -60],
      ArrowDown: [0, 60],
    };
    this.picture.addEventListener("keydown", (event) => {
      const step = steps[event.key];
      if (step && !event.altKey && !event.ctrlKey && !event.metaKey) {
        event.preventDefault();
        this.move(...step);
      }
    });
    // The browser scrolls a focused box into sight only inside the frame, not inside the viewBox.
    this.picture.addEventListener("focusin", (event) => this.reach(event.target as Element));
  }

  // The part to begin with: all of it where that can be read, else what surrounds the focus.
  private readable(): Box {
    const { width: room, height: high } = this.picture.getBoundingClientRect();
    const scale = Math.max(SMALLEST_SCALE, Math.min(1, room / this.whole.width));
    const box = { x: 0, y: 0, width: room / scale, height: high / scale };
    const focus = this.picture.querySelector<SVGGElement>(".is-focus")?.transform.baseVal.getItem(0).matrix;
    const most = Math.max(0, this.whole.width - box.width);
    box.x = focus ? Math.min(Math.max(focus.e - box.width / 2, 0), most) : 0;
    const low = this.whole.height - box.height;
    box.y = focus && low > 0 ? Math.min(Math.max(focus.f - box.height / 2, 0), low) : low / 2;
    return box;
  }

  private reach(element: Element): void {
    const inside = element.getBoundingClientRect();
    const frame = this.picture.getBoundingClientRect();
    const scale = this.scale();
    const right = Math.max(0, inside.right - frame.right) - Math.max(0, frame.left - inside.left);
    const down = Math.max(0, inside.bottom - frame.bottom) - Math.max(0, frame.top - inside.top);
    if (right || down) this.move(right * scale, down * scale);
  }

  private scale(): number {
    const matrix = this.picture.getScreenCTM();
    return matrix ? 1 / matrix.a : 1;
  }

  private move(x: number, y: number): void {
    this.show({ ...this.box, x: this.box.x + x, y: this.box.y + y });
  }

  private zoom(factor: number, x: number, y: number): void {
    const width = Math.min(Math.max(this.box.width * factor, 240), this.whole.width * 2);
    const real = width / this.box.width;
    this.show({
      x: x - (x - this.box.x) * real,
      y: y - (y - this.box.y) * real,
      width,
      height: this.box.height * real,
    });
  }

  private show(box: Box): void {
    this.box = box;
    this.picture.setAttribute("viewBox", `${box.x} ${box.y} ${box.width} ${box.height}`);
  }
}
