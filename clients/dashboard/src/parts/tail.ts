/** Events as they are stored, kept up over lost connections. */
import { Code, ConnectError } from "@connectrpc/connect";
import { ReportService, type StoredEvent } from "contract/reports_pb";
import { useEffect, useState } from "preact/hooks";
import { listen } from "../answers";

const MOST_SHOWN = 200;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;

export interface Tail {
  /** Newest first. */
  events: StoredEvent[];
  missed: bigint;
  state: "connecting" | "listening" | "paused";
  error: ConnectError | null;
  /** Tries again after an error that no waiting repairs. */
  retry: () => void;
}

const NOTHING: Omit<Tail, "retry"> = { events: [], missed: 0n, state: "connecting", error: null };
/** Errors that waiting repairs. */
const PASSING = new Set([
  Code.Unavailable,
  Code.Unknown,
  Code.Internal,
  Code.ResourceExhausted,
  Code.DeadlineExceeded,
  Code.Aborted,
  Code.Canceled,
]);

export function useTail(types: string[], sandbox: boolean, paused: boolean): Tail {
  const [tail, setTail] = useState(NOTHING);
  const [round, setRound] = useState(0);
  const name = `${types.join()} ${sandbox}`;
  useEffect(() => setTail(NOTHING), [name]);
  useEffect(() => {
    const leaving = new AbortController();
    const update = (change: Partial<Tail>): void => setTail((old) => ({ ...old, ...change }));
    if (paused) update({ state: "paused" });
    else void follow(types, sandbox, leaving.signal, update, setTail);
    return () => leaving.abort();
  }, [name, paused, round]);
  return { ...tail, retry: () => setRound((n) => n + 1) };
}

type SetTail = (change: (old: Omit<Tail, "retry">) => Omit<Tail, "retry">) => void;

async function follow(
  types: string[],
  sandbox: boolean,
  signal: AbortSignal,
  update: (change: Partial<Tail>) => void,
  setTail: SetTail,
): Promise<void> {
  for (let pause = FIRST_PAUSE_MS; !signal.aborted; pause = Math.min(pause * 2, LONGEST_PAUSE_MS)) {
    update({ state: "connecting" });
    try {
      const answers = listen(ReportService.method.tailEvents, { types, sandbox }, signal, () =>
        update({ state: "listening", error: null }),
      );
      for await (const { item } of answers) {
        pause = FIRST_PAUSE_MS;
        if (item.case === "missed") setTail((old) => ({ ...old, missed: old.missed + item.value }));
        else if (item.case === "event") setTail((old) => ({ ...old, events: [item.value, ...old.events].slice(0, MOST_SHOWN) }));
      }
    } catch (cause) {
      if (signal.aborted) return;
      const error = ConnectError.from(cause);
      update({ error, state: "connecting" });
      if (!PASSING.has(error.code)) return;
    }
    await waited(pause, signal);
  }
}

function waited(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
