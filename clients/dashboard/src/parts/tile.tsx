/** One number with its name, its definition, its events, and how it compares with the range before. */
import type { ComponentChildren } from "preact";
import { change } from "../amounts";
import { Define, type Defined } from "./define";
import { Explain } from "./explain";

interface TileProps<Value extends string | bigint> {
  label: string;
  define: Defined;
  now: Value;
  /** The same number of the range before. */
  before?: Value | undefined;
  show: (value: Value) => string;
  explain?: string;
  /** For numbers that are better when they fall. */
  falling?: boolean;
  children?: ComponentChildren;
}

export function Tile<Value extends string | bigint>({
  label,
  define,
  now,
  before,
  show,
  explain = "",
  falling = false,
  children,
}: TileProps<Value>) {
  return (
    <div class="tile">
      <div class="tile-label">
        {label}
        <Define name={define} label={label} />
      </div>
      <div class="tile-value" title={`${now}`}>
        <Explain token={explain} of={label}>
          {show(now)}
        </Explain>
      </div>
      {before !== undefined && before !== "" && now !== "" && (
        <Compared now={`${now}`} before={`${before}`} shown={show(before)} falling={falling} />
      )}
      {children && <div class="tile-note">{children}</div>}
    </div>
  );
}

function Compared({ now, before, shown, falling }: { now: string; before: string; shown: string; falling: boolean }) {
  const difference = change(now, before);
  const good = difference && difference.direction !== "same" && (difference.direction === "up") !== falling;
  const kind = !difference || difference.direction === "same" ? "" : good ? "good" : "bad";
  return (
    <div class="tile-note" title="against the range before">
      {difference && <span class={`change ${kind}`}>{difference.text} </span>}from {shown}
    </div>
  );
}

export function Tiles({ children }: { children: ComponentChildren }) {
  return <div class="tiles">{children}</div>;
}
