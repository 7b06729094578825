/** What a page shows instead of data: that it loads, that there is none, that it failed or may not be seen. */
import { Code, type ConnectError } from "@connectrpc/connect";
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { count } from "../amounts";
import type { Answer } from "../answers";
import { dimensionsOf } from "../filters";
import { useView, type View } from "../view";
import { person, signOut } from "../session";

const QUIET_MS = 2_000;

/** After a while it says what takes so long. */
export function Loading() {
  const [long, setLong] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLong(true), QUIET_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="state" role="status">
      <span class="spinner" aria-hidden="true" /> {long ? "The server is at work. Long ranges take longer…" : "Loading…"}
    </div>
  );
}

export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  // Nobody has a view before they are signed in.
  const view: View | null = useView();
  const filtered = view?.conditions.some(({ dimension }) => view.reports.some((report) => dimensionsOf(report).includes(dimension)));
  return (
    <div class="state empty">
      <p class="state-title">{title}</p>
      {children && <p>{children}</p>}
      {filtered && <p>Filters are set: take one away to see more.</p>}
    </div>
  );
}

export function Failed({ error, retry }: { error: ConnectError; retry: () => void }) {
  if (error.code === Code.PermissionDenied) {
    return (
      <div class="state failed" role="alert">
        <p class="state-title">{person() ? "Your role may not see this" : "This key may not see this"}</p>
        <p>{error.rawMessage}</p>
        <button type="button" onClick={() => signOut()}>
          {person() ? "Sign in as somebody else" : "Sign in with another key"}
        </button>
      </div>
    );
  }
  return (
    <div class="state failed" role="alert">
      <p class="state-title">{TITLES[error.code] ?? "This could not be answered"}</p>
      <p>{error.rawMessage}</p>
      {error.code !== Code.InvalidArgument && error.code !== Code.NotFound && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

const TITLES: Partial<Record<Code, string>> = {
  [Code.Unavailable]: "The server cannot answer now",
  [Code.DeadlineExceeded]: "The answer takes too long",
  [Code.Unimplemented]: "This server does not have this report",
  [Code.InvalidArgument]: "The server does not take this question",
  [Code.NotFound]: "Nothing was found",
};

interface ShownProps<T> {
  answer: Answer<T>;
  /** Whether it says how many events of robots are left out; another part of the page may say it. */
  robots?: boolean;
  children: (value: T) => ComponentChildren;
}

/** An answer, or what is shown until there is one. An answer that is being replaced stays, dimmed. */
export function Shown<T>({ answer, robots = true, children }: ShownProps<T>) {
  if (answer.error) return <Failed error={answer.error} retry={answer.retry} />;
  if (answer.value === undefined) return <Loading />;
  return (
    <div class={answer.busy ? "shown busy" : "shown"} aria-busy={answer.busy}>
      {children(answer.value)}
      {robots && <Robots of={answer.value} />}
    </div>
  );
}

/** What a report says that it left out. */
function Robots({ of }: { of: unknown }) {
  const robots = of !== null && typeof of === "object" && "robots" in of ? of.robots : 0n;
  if (typeof robots !== "bigint" || robots === 0n) return null;
  return (
    <p class="note" role="note">
      {count(robots)} {robots === 1n ? "event of a robot is" : "events of robots are"} left out.
    </p>
  );
}
