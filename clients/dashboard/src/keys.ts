/** The keyboard: / opens the command box, g and a letter goes to a page, the arrows move the range. */
import { useEffect } from "preact/hooks";
import { pages } from "./pagelist";
import { moved, type Range } from "./ranges";
import { change, link } from "./route";
import { dayOf } from "./zones";

const PAUSE_MS = 1_500;

/** Whether somebody is typing, or something that has keys of its own has the focus. */
function isTaken(target: EventTarget | null): boolean {
  const element = target instanceof Element ? target : null;
  return Boolean(element?.closest("input, textarea, select, [contenteditable], dialog, .scroll"));
}

export function useKeys(range: Range, zone: string, search: () => void): void {
  useEffect(() => {
    let going = 0;
    const today = (): string => dayOf(new Date(), zone);
    const press = (event: KeyboardEvent): void => {
      const box = event.key === "k" && (event.ctrlKey || event.metaKey);
      if (!box && (event.ctrlKey || event.metaKey || event.altKey || isTaken(event.target))) return;
      const page = performance.now() < going ? pages().find(({ letter }) => letter === event.key) : undefined;
      going = event.key === "g" ? performance.now() + PAUSE_MS : 0;
      const next = event.key === "ArrowLeft" ? moved(range, -1, today()) : event.key === "ArrowRight" ? moved(range, 1, today()) : null;
      if (box || event.key === "/") search();
      else if (page) location.hash = link(page.name);
      else if (next) change({ range: next });
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", press);
    return () => removeEventListener("keydown", press);
  }, [range.name, range.first, range.end, zone, search]);
}
