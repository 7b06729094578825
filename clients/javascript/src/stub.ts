/** Stands in for the tag until its script has loaded: queues calls in order, and stays harmless if it never loads. */
import type { Shopalytic, Verdict } from "./api.js";

/** A queued call: its name, its arguments, and who waits for the verdict. */
export type Call = [name: keyof Shopalytic, args: unknown[], resolve: (verdict: Verdict) => void];

/** What the stub leaves on the window for the script. */
export interface Stub extends Shopalytic {
  q: { push(call: Call): unknown };
  version?: string;
}

/** Puts the stub on the window and begins to load the script. */
export function install(source: string): void {
  const page = window as any;
  // An element of this id is a property of the window, too, but not its own.
  if ({}.hasOwnProperty.call(page, "shopalytic") && page.shopalytic?.track) return;
  const queue: Call[] = [];
  // Lists and promises are made here without what other scripts may have changed of them.
  queue.push = (call) => ((queue[queue.length] = call), 0);
  const stub = (page.shopalytic = { q: queue } as any);
  for (const name in { __proto__: null, init: 1, consent: 1, track: 1, identify: 1, alias: 1, reset: 1 }) {
    stub[name] = (...args: unknown[]) => {
      let done: [unknown] | undefined;
      let tell: ((verdict: unknown) => void) | undefined;
      stub.q.push([name, args, (verdict: unknown) => (tell ? tell(verdict) : (done = [verdict]))]);
      return (async () => ({ then: (resolve: typeof tell) => (done ? resolve!(done[0]) : (tell = resolve)) }))();
    };
  }
  const refuse = (reason: unknown): void => {
    const push = (call: Call): void =>
      call[2]({
        event_id: "",
        status: "REJECTED",
        violations: [{ field: "", rule_id: "tag.blocked", message: `The script could not be loaded. ${reason}` }],
      });
    stub.q = { push };
    for (let i = 0; i < queue.length; i++) push(queue[i]!);
  };
  try {
    const script = document.createElement("script");
    script.async = true;
    script.nonce = (document.currentScript || document.querySelector<HTMLElement>("script[nonce]"))?.nonce || "";
    script.onerror = () => refuse("");
    script.src = trusted(page, source);
    document.head.appendChild(script);
  } catch (error) {
    refuse(error);
  }
}

/** The address as pages with Trusted Types want it, if their policy has room for ours. */
function trusted(page: any, source: string): string {
  try {
    return page.trustedTypes.createPolicy("shopalytic", { createScriptURL: () => source }).createScriptURL("");
  } catch {
    return source;
  }
}
