/** A list that is asked for a page at a time. */
import type { ConnectError } from "@connectrpc/connect";
import type { ComponentChildren } from "preact";
import { useEffect, useReducer, useRef } from "preact/hooks";
import { useRound } from "../answers";
import { ShowMore } from "./folded";
import { Empty, Failed, Loading } from "./states";

export interface Page<T> {
  items: T[];
  next: string;
}

interface PagedProps<T> {
  /** Changes when the list is another one. */
  name: string;
  load: (token: string) => Promise<Page<T>>;
  empty: string;
  /** Draws the items that are there; `more` when further ones can be asked for. */
  children: (items: T[], more: boolean) => ComponentChildren;
}

interface State<T> {
  items: T[];
  next: string | null;
  busy: boolean;
  error: ConnectError | null;
}

export function Paged<T>({ name, load, empty, children }: PagedProps<T>) {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const round = useRound();
  const list = useRef<State<T>>({ items: [], next: "", busy: true, error: null });
  const more = (state: State<T>): void => {
    state.busy = true;
    state.error = null;
    load(state.next ?? "")
      .then(
        (page) => {
          state.items = [...state.items, ...page.items];
          state.next = page.next || null;
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
    list.current = { items: [], next: "", busy: true, error: null };
    more(list.current);
  }, [name, round]);
  const state = list.current;
  return (
    <>
      {state.items.length > 0 && children(state.items, state.next !== null)}
      {state.error && <Failed error={state.error} retry={() => more(state)} />}
      {state.busy && <Loading />}
      {!state.busy && !state.error && state.items.length === 0 && <Empty title={empty} />}
      {!state.busy && !state.error && state.next !== null && (
        <ShowMore shown={state.items.length} more={() => more(state)} />
      )}
    </>
  );
}
