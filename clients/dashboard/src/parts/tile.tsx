/** One number with its name, its definition, its events, and how it compares. */
import type { ComponentChildren } from "preact";
import { type Change, change } from "../amounts";
import { Define, type Defined } from "./define";
import { Explain } from "./explain";

interface TileProps {
  label: string;
  define?: Defined;
  value: ComponentChildren;
  explain?: string;
  /** This and the number before as plain decimals, to compare. */
  compare?: [now: string, before: string] | undefined;
  /** What is compared with, such as "the 28 days before". */
  against?: string | undefined;
  /** For numbers that are better when they fall. */
  falling?: boolean;
  children?: ComponentChildren;
}

export function Tile({ label, define, value, explain = "", compare, against, falling = false, children }: TileProps) {
  const difference = compare ? change(...compare) : null;
  return (
    <div class="tile">
      <div class="tile-label">
        {label}
        {define && <Define name={define} label={label} />}
      </div>
      <div class="tile-value">
        <Explain token={explain} of={label}>{value}</Explain>
      </div>
      {compare && <Compared difference={difference} against={against} falling={falling} />}
      {children && <div class="tile-note">{children}</div>}
    </div>
  );
}

function Compared({ difference, against, falling }: { difference: Change | null; against: string | undefined; falling: boolean }) {
  if (!difference) return <div class="tile-note">nothing before to compare with</div>;
  const good = difference.direction === "same" ? "same" : (difference.direction === "up") !== falling ? "good" : "bad";
  return (
    <div class="tile-note" title={against}>
      <span class={`change ${good}`}>{difference.text}</span> {against ? "against the range before" : ""}
    </div>
  );
}

export function Tiles({ children }: { children: ComponentChildren }) {
  return <div class="tiles">{children}</div>;
}
