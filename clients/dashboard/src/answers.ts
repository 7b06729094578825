/** Asks the server: each question once, until somebody asks for newer answers. */
import {
  create,
  type DescMessage,
  type DescMethodStreaming,
  type DescMethodUnary,
  type MessageInitShape,
  type MessageShape,
  toJsonString,
} from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { createConnectTransport } from "@connectrpc/connect-web";
import { useEffect, useReducer, useRef } from "preact/hooks";
import { asker, key, person, signOut } from "./session";

const LONGEST_MS = 65_000;
/** Views left and come back to are answered from here. */
const MOST_KEPT = 200;

const transport = createConnectTransport({
  baseUrl: location.origin,
  interceptors: [
    (next) => (request) => {
      // A person's cookie goes with the request by itself.
      if (!request.header.has("authorization") && key()) request.header.set("authorization", `Bearer ${key()}`);
      return next(request);
    },
  ],
});

interface Entry {
  promise: Promise<unknown>;
  value?: unknown;
  error?: ConnectError;
}

const kept = new Map<string, Entry>();
const watchers = new Set<() => void>();
let round = 0;

/** Forgets all answers: for another key, or because newer ones are wanted. */
export function forget(): void {
  kept.clear();
  round += 1;
  for (const watcher of [...watchers]) watcher();
}

/** Redraws a view when answers are forgotten; the number tells one time from the next. */
export function useRound(forgotten: () => void = () => {}): number {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  useEffect(() => {
    const watcher = (): void => {
      forgotten();
      redraw(0);
    };
    watchers.add(watcher);
    return () => void watchers.delete(watcher);
  }, []);
  return round;
}

/** One call, answered from what is kept where it was asked before. */
export function ask<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  init: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  return entry(method, init).promise as Promise<MessageShape<O>>;
}

function entry<I extends DescMessage, O extends DescMessage>(method: DescMethodUnary<I, O>, init: MessageInitShape<I>): Entry {
  const name = question(method, init);
  const found = kept.get(name);
  if (found) return found;
  const asked: Entry = { promise: call(method, init) };
  kept.set(name, asked);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value as string);
  asked.promise.then(
    (value) => (asked.value = value),
    (error: ConnectError) => {
      asked.error = error;
      // Asking again may help, so an error is not kept for the next view.
      if (kept.get(name) === asked) kept.delete(name);
    },
  );
  return asked;
}

/** One call that is always made, and whose answer is not kept: for what changes something. */
export async function call<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  init: MessageInitShape<I>,
): Promise<MessageShape<O>> {
  const asked = asker();
  try {
    const answer = await transport.unary(method, undefined, LONGEST_MS, undefined, init);
    return answer.message;
  } catch (cause) {
    const error = ConnectError.from(cause);
    if (error.code === Code.Unauthenticated && asked === asker())
      signOut(person() ? "Your session has ended. Sign in again." : "This key is not valid, or it was revoked. Sign in with another one.");
    throw error;
  }
}

/** One call with a key that is only being tried. */
export async function attempt<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  init: MessageInitShape<I>,
  given: string,
): Promise<void> {
  await transport.unary(method, undefined, LONGEST_MS, { authorization: `Bearer ${given}` }, init);
}

/** What tells one question from another. */
export { question as questionName };

function question<I extends DescMessage>(
  method: { parent: { typeName: string }; name: string; input: I },
  init: MessageInitShape<I>,
): string {
  return `${method.parent.typeName}/${method.name} ${toJsonString(method.input, create(method.input, init))}`;
}

/** What a view has of its answer. While `busy`, `value` may be the answer to the question before. */
export interface Answer<T> {
  value: T | undefined;
  error: ConnectError | undefined;
  busy: boolean;
  retry: () => void;
}

/** The answer to a question, asked when the view needs it; null asks nothing. */
export function useAnswer<I extends DescMessage, O extends DescMessage>(
  method: DescMethodUnary<I, O>,
  init: MessageInitShape<I> | null,
): Answer<MessageShape<O>> {
  const [, redraw] = useReducer((n: number) => n + 1, 0);
  const last = useRef<MessageShape<O> | undefined>(undefined);
  const failed = useRef<{ name: string; error: ConnectError } | null>(null);
  const name = init ? question(method, init) : "";
  const here = useRef(name);
  here.current = name;
  useRound(() => (failed.current = null));
  const asked = init && failed.current?.name !== name ? entry(method, init) : null;
  const drawn = asked?.value !== undefined;
  useEffect(() => {
    // The answer may have come between drawing and this.
    if (!asked || drawn) return;
    const settled = (): void => {
      if (here.current === name) {
        failed.current = asked.error ? { name, error: asked.error } : null;
        redraw(0);
      }
    };
    asked.promise.then(settled, settled);
  }, [asked]);
  if (asked?.value !== undefined) last.current = asked.value as MessageShape<O>;
  const error = failed.current?.name === name ? failed.current.error : undefined;
  const retry = (): void => {
    failed.current = null;
    redraw(0);
  };
  return { value: error ? undefined : last.current, error, busy: asked !== null && asked.value === undefined, retry };
}

/** A stream of answers, until the signal ends it or it fails; tells when the server has begun to listen. */
export async function* listen<I extends DescMessage, O extends DescMessage>(
  method: DescMethodStreaming<I, O>,
  init: MessageInitShape<I>,
  signal: AbortSignal,
  begun: () => void,
): AsyncGenerator<MessageShape<O>> {
  const one = async function* (): AsyncGenerator<MessageInitShape<I>> {
    yield init;
  };
  const answers = await transport.stream(method, signal, undefined, undefined, one());
  begun();
  yield* answers.message;
}
