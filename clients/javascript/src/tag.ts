/** The calls of the tag. */
import type { Shopalytic, Verdict } from "./api.js";
import { NO_IDENTITY } from "./catalogue.js";
import { context } from "./context.js";
import { enqueue, Name, refusal } from "./delivery.js";
import { copy, now, uuid } from "./ids.js";
import { off, options } from "./settings.js";
import { drop, get, put } from "./store.js";

/** Whether this very page has said who the visitor is. */
export let namedHere = false;

/** A call of the tag, which is not made when nothing may be sent. */
function call<A extends unknown[]>(name: string, work: (...args: A) => Promise<Verdict>) {
  return async (...args: A): Promise<Verdict> => {
    log(name, ...args);
    const verdict = off ? refusal("tag.disabled") : await work(...args);
    log(name, ...args, verdict);
    return verdict;
  };
}

function log(...said: unknown[]): void {
  if (options.debug) console.log("shopalytic", ...said);
}

function deliver(type: string, properties: object, alias_signature?: string): Promise<Verdict> {
  const time = now();
  return enqueue({
    type,
    properties,
    event_id: uuid(time),
    occurred_at: new Date(time),
    identity: get(Name.IDENTITY),
    identity_signature: get(Name.SIGNATURE) || undefined,
    alias_signature,
    source: options.source || undefined,
    sandbox: options.sandbox,
    context: context(),
  });
}

/** Sends the tag's own page view. */
export const view = call("track", deliver);

const send = call("track", (type: string, given: object, signature?: string) => {
  // A copy: the page may change its object before the batch leaves.
  const properties = copy<{ identity?: string }>(given);
  const { identity } = properties;
  // Later events carry the identity, unless the server would refuse them all for it.
  if (type === "identify" && !NO_IDENTITY.test(identity!)) {
    put(Name.IDENTITY, identity!);
    put(Name.SIGNATURE, signature || "");
    namedHere = true;
  }
  return deliver(type, properties, signature);
});

export const track: Shopalytic["track"] = send;

export const identify: Shopalytic["identify"] = (identity, signature) => send("identify", { identity: String(identity) }, signature);

export const alias: Shopalytic["alias"] = (identity, signature) => send("alias", { identity: String(identity) }, signature);

export const reset = call("reset", () => {
  drop(Name.IDENTITY);
  drop(Name.SIGNATURE);
  drop(Name.TRACKING_ID);
  namedHere = false;
  return enqueue({ event_id: uuid(now()) }, true);
});
