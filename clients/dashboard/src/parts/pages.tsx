/** A list that is asked for a page at a time. */
import type { ConnectError } from "@connectrpc/connect";
import type { ComponentChildren } from "preact";
import { useEffect, useReducer, useRef } from "preact/hooks";
import { useRound } from "../answers";
import { Shown } from "./folded";
import { Empty, Failed, Loading } from "./states";

export interface Page<T> {
  items: T[];
  next: string;
  /** How many the whole list has, where the page tells it. */
  total?: bigint;
}

/** Pages that are asked for by how many rows to pass over: of these `shown`, of `total`, the next one. */
export function following(offset: number, shown: number, total: bigint): string {
  return shown > 0 && BigInt(offset + shown) < total ? `${offset + shown}` : "";
}

/** Every page of a list, one after another; they are not kept. */
export async function* everyPage<T>(load: (token: string) => Promise<Page<T>>): AsyncGenerator<T[]> {
  let token = "";
  do {
    const page = await load(token);
    yield page.items;
    token = page.next;
  } while (token);
}

interface PagedProps<T> {
  /** Changes when the list is another one. */
  name: string;
  load: (token: string) => Promise<Page<T>>;
  empty: ComponentChildren;
  /** Draws the items that are there, with the line that tells how many there are and leads to more. */
  children: (items: T[], foot: ComponentChildren, more: boolean) => ComponentChildren;
}

interface State<T> {
  items: T[];
  next: string | null;
  total: bigint | undefined;
  busy: boolean;
  error: ConnectError | null;
}

export function Paged<T>({ name, load, empty, children }: PagedProps<T>) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const round = useRound();
  const list = useRef<State<T>>(nothing());
  const more = (state: State<T>): void => {
    state.busy = true;
    state.error = null;
    load(state.next ?? "")
      .then(
        (page) => {
          state.items = [...state.items, ...page.items];
          state.next = page.next || null;
          state.total = page.total || state.total;
        },
        (error: ConnectError) => void (state.error = error),
      )
      .finally(() => {
        state.busy = false;
        if (list.current === state) redraw(0);
      });
    redraw(0);
  };
  useEffect(() => {
    list.current = nothing();
    more(list.current);
  }, [name, round]);
  const state = list.current;
  const settled = !state.busy && !state.error;
  const foot = (
    <>
      {state.error && <Failed error={state.error} retry={() => more(state)} />}
      {state.busy && <Loading />}
      {settled && (
        <Shown shown={state.items.length} all={state.total} {...(state.next === null ? {} : { more: () => more(state) })} />
      )}
    </>
  );
  if (state.items.length > 0) return <>{children(state.items, foot, state.next !== null)}</>;
  if (!settled) return foot;
  return typeof empty === "string" ? <Empty title={empty} /> : <>{empty}</>;
}

function nothing<T>(): State<T> {
  return { items: [], next: "", total: undefined, busy: true, error: null };
}
