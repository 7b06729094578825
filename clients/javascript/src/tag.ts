/** The calls of the tag. */
import type { Shopalytic, Verdict } from "./api.js";
import { may, May } from "./consent.js";
import { context } from "./context.js";
import { enqueue, refusal, settle } from "./delivery.js";
import { now, uuid } from "./ids.js";
import { json, own } from "./json.js";
import { off, options } from "./settings.js";
import { drop, get, Name, put } from "./store.js";

/**
 * What is never one person's identity: all that the contract's rule refuses, and a little more, for which it is short.
 * Nothing is lost by more: the call is sent all the same, and the server links the device by it.
 */
const NOBODY =
  /^([0-]*|undefined|unknown|true|guest|false|\W.*|email|anonymous|(user|distinct)?_?(id)?|n(ull|one|il|an|.a|ot_.*))$|.{201}/i;

/** Whether this very page has said who the visitor is. */
export let namedHere = false;

/** A call of the tag, which is not made when nothing may be sent, and which throws nothing into the page. */
function call<A, B, C>(name: string, work: (a: A, b: B, c?: C) => Promise<Verdict>) {
  return async (a?: A, b?: B, c?: C): Promise<Verdict> => {
    let verdict: Verdict;
    try {
      log(name, a, b);
      const wish = off ? "tag.disabled" : may() === May.NOTHING && "privacy.consent";
      verdict = wish ? refusal(wish, off) : await work(a!, b!, c);
      log(name, a, b, verdict);
    } catch (error) {
      verdict = refusal("tag.failed", `${error}`);
      settle(verdict);
    }
    return verdict;
  };
}

function log(name: string, a: unknown, b: unknown, verdict?: Verdict): void {
  if (options.debug) console.log("shopalytic", name, a, b, verdict);
}

function deliver(type: string, properties: () => string, alias_signature?: string): Promise<Verdict> {
  const time = now();
  return enqueue(
    {
      type,
      event_id: uuid(time),
      occurred_at: time / 1000,
      identity: get(Name.IDENTITY) || undefined,
      identity_signature: get(Name.SIGNATURE) || undefined,
      alias_signature,
      source: options.source || undefined,
      sandbox: options.sandbox,
      context: context(),
    },
    properties,
  );
}

/** Sends the tag's own page view. */
export const view = call("track", deliver);

const send = call("track", async (type: string, given: unknown, signature?: string) => {
  const names = type === "identify" || type === "alias";
  const properties = names && typeof given !== "object" ? { identity: `${given}` } : given;
  const identity = own(properties, "identity");
  // Later events carry the identity, unless the server would refuse them all for it. One from before
  // is forgotten in any case: the server refuses a call whose event says somebody else.
  if (type === "identify") {
    put(Name.IDENTITY, NOBODY.test(identity) ? "" : identity);
    put(Name.SIGNATURE, signature || "");
    namedHere = true;
  }
  // Nothing would be kept of a name: it need not be sent.
  if (names && may() === May.COUNT) return refusal("privacy.consent");
  // Made now: the page may change its object before the batch leaves.
  const made = json(properties);
  return await deliver(type, () => made, signature);
});

export const track = send as Shopalytic["track"];

export const identify: Shopalytic["identify"] = (identity, signature) => send("identify", identity, signature);

export const alias: Shopalytic["alias"] = (identity, signature) => send("alias", identity, signature);

export const reset = call("reset", () => {
  drop(Name.IDENTITY);
  drop(Name.SIGNATURE);
  drop(Name.TRACKING_ID);
  namedHere = false;
  return enqueue({ event_id: uuid(now()), context: {} }, String, ',"r":true');
}) as Shopalytic["reset"];
