/** A long list, of which the first few are shown until somebody asks for more. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { count } from "../amounts";

const FIRST = 10;
const MORE = 50;

export function Folded<T>({ items, children }: { items: T[]; children: (shown: T[]) => ComponentChildren }) {
  const [most, setMost] = useState(FIRST);
  return (
    <>
      {children(items.slice(0, most))}
      {items.length > FIRST && (
        <Shown shown={Math.min(most, items.length)} all={items.length} {...(items.length > most ? { more: () => setMost(most + MORE) } : {})} />
      )}
    </>
  );
}

/** How much of a list is shown, and the way to more of it, if there is any. `all` is left out while it is not known. */
export function Shown({ shown, all, more }: { shown: number; all?: number | bigint | undefined; more?: () => void }) {
  return (
    <p class="more">
      {more && (
        <>
          <button type="button" onClick={more}>
            Show more
          </button>{" "}
        </>
      )}
      <small>{all === undefined ? `${count(shown)} shown` : `${count(shown)} of ${count(all)}`}</small>
    </p>
  );
}
