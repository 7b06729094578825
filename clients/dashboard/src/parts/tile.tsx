/** One number with its name, its definition, its events, and how it compares with the range before. */
import type { ComponentChildren } from "preact";
import { change, points } from "../amounts";
import { useView } from "../view";
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
  /** For shares, which change by percentage points. */
  share?: boolean;
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
  share = false,
  children,
}: TileProps<Value>) {
  const value = show(now);
  return (
    <div class="tile">
      <div class="tile-label">
        {label}
        <Define name={define} label={label} />
      </div>
      {/* The type gets smaller with the length: digits of one amount stay on one line. */}
      <div class="tile-value" title={`${now}`} style={{ "--length": `${value.length}` }}>
        <Explain token={explain} of={label}>
          {value}
        </Explain>
      </div>
      {before !== undefined && before !== "" && now !== "" && (
        <Compared now={`${now}`} before={`${before}`} shown={show(before)} falling={falling} share={share} />
      )}
      {children && <div class="tile-note">{children}</div>}
    </div>
  );
}

interface ComparedProps {
  now: string;
  before: string;
  shown: string;
  falling: boolean;
  share: boolean;
}

function Compared({ now, before, shown, falling, share }: ComparedProps) {
  const { previous, beside } = useView();
  const difference = share ? points(now, before) : change(now, before);
  const good = difference && difference.direction !== "same" && (difference.direction === "up") !== falling;
  const kind = !difference || difference.direction === "same" ? "" : good ? "good" : "bad";
  return (
    <div class="tile-note" title={previous ? `${beside}: ${previous.label}` : undefined}>
      {difference && <span class={`change ${kind}`}>{difference.text} </span>}
      <span class="whole">from {shown}</span>
    </div>
  );
}

export function Tiles({ children }: { children: ComponentChildren }) {
  return <div class="tiles">{children}</div>;
}
