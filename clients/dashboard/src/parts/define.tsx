/** The definition of a number, from the contract's own comments, one press away from the number. */
import { definitions, type Defined } from "definitions";
import { useId, useRef } from "preact/hooks";
import { link } from "../route";

export type { Defined };

const WIDTH = 288;
const GAP = 6;

export function definitionOf(name: Defined): string {
  const [message = "", field = ""] = name.split(".");
  return definitions[message]?.fields[field] ?? "";
}

export function Define({ name, label }: { name: Defined; label: string }) {
  const id = useId();
  const button = useRef<HTMLButtonElement>(null);
  const box = useRef<HTMLDivElement>(null);
  const [message = ""] = name.split(".");
  // Shown above everything, so that no scrolling table cuts it off.
  const place = (): void => {
    const at = button.current?.getBoundingClientRect();
    if (!at || !box.current) return;
    box.current.style.left = `${Math.max(GAP, Math.min(at.left, innerWidth - WIDTH - GAP))}px`;
    box.current.style.top = `${at.bottom + GAP}px`;
  };
  return (
    <>
      <button type="button" class="define-button" ref={button} popoverTarget={id} aria-label={`What is ${label}?`}>
        ?
      </button>
      <div class="define-box" id={id} ref={box} popover="auto" onBeforeToggle={place}>
        <b>{label}</b>
        <p>{definitionOf(name)}</p>
        <a href={link("definitions", message)}>All definitions</a>
      </div>
    </>
  );
}
