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
  const page = window as unknown as { shopalytic?: Stub };
  if (page.shopalytic) return;
  const queue: Call[] = [];
  const stub = (page.shopalytic = { q: queue } as unknown as Stub);
  for (const name of ["init", "track", "identify", "alias", "reset"] as const) {
    (stub as unknown as Record<string, unknown>)[name] = (...args: unknown[]) =>
      new Promise<Verdict>((resolve) => stub.q.push([name, args, resolve]));
  }
  const script = document.createElement("script");
  script.async = true;
  script.src = source;
  script.nonce = document.currentScript?.nonce ?? "";
  script.onerror = () => {
    const refuse = ([, , resolve]: Call): void =>
      resolve({
        event_id: "",
        status: "REJECTED",
        violations: [{ field: "", rule_id: "tag.blocked", message: "The script could not be loaded." }],
      });
    stub.q = { push: refuse };
    queue.forEach(refuse);
  };
  document.head.append(script);
}
