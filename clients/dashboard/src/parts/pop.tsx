/** A box that opens below its button, and closes when somebody goes elsewhere. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

interface PopProps {
  label: string;
  /** How many of the things in it are set. */
  set?: number;
  /** What is in it; drawn when it is opened first. `close` closes it. */
  children: (close: () => void) => ComponentChildren;
}

/** Of the box and the room beside it, in pixels. */
const WIDTH = 300;

export function Pop({ label, set = 0, children }: PopProps) {
  const place = useRef<HTMLDetailsElement>(null);
  const [opened, setOpened] = useState(false);
  const close = (): void => {
    if (place.current) place.current.open = false;
  };
  useEffect(() => {
    const leave = (event: Event): void => {
      const leaving = event instanceof KeyboardEvent ? event.key === "Escape" : !place.current?.contains(event.target as Node);
      if (leaving) close();
    };
    document.addEventListener("pointerdown", leave);
    document.addEventListener("keydown", leave);
    return () => {
      document.removeEventListener("pointerdown", leave);
      document.removeEventListener("keydown", leave);
    };
  }, []);
  const opening = (): void => {
    const box = place.current;
    if (!box?.open) return;
    setOpened(true);
    // The box stays over the page: where there is no room at the right, it reaches to the left.
    box.classList.toggle("leftward", box.getBoundingClientRect().left + WIDTH > innerWidth);
  };
  return (
    <details class="filters" ref={place} onToggle={opening}>
      <summary>
        {label}
        {set > 0 && <b class="badge">{set}</b>}
      </summary>
      <div class="filters-box">{opened && children(close)}</div>
    </details>
  );
}
