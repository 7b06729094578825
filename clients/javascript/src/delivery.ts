/** Gets events to the server: in order, in batches, and again until they are answered. */
import type { Verdict } from "./api.js";
import { learn, may, May, policy, said } from "./consent.js";
import { now, uuid } from "./ids.js";
import { members } from "./json.js";
import { off, options, token } from "./settings.js";
import { drop, get, ids, lock, Name, peek, put } from "./store.js";
import { namedHere } from "./tag.js";
import { send } from "./transport.js";

/** An event as it is sent, but for its properties; a reset has only an id. */
export interface Event {
  event_id: string;
  identity?: string | undefined;
  identity_signature?: string | undefined;
  context: Record<string, unknown>;
  [name: string]: unknown;
}

/** An event on its way. */
export interface Item {
  /** What it is but for the properties. */
  e?: Event | undefined;
  /** Makes its properties' JSON. */
  p?: () => string;
  /** What the visitor chose when it happened. */
  c?: string | undefined;
  /** The tracking id that a visitor without one gets. */
  t: string;
  /** Not empty where the visitor gets that id even if they have another: a reset, which is no event. As it is kept. */
  r?: string | undefined;
  /** The event's JSON without the braces. Repeated, it must be the same to the letter. */
  s?: string;
  /** Whether it says itself whose it is, as far as it can. */
  k?: unknown;
  /** Whether it is under way. */
  f?: boolean;
}

type Items = Record<string, Item>;

const enum Limit {
  // Characters, of which none takes more than three bytes: browsers refuse keepalive above 64 KB in all.
  BATCH = 19_000,
  // With STORAGE_MS, which only a page's first batch waits too, 200.
  BATCH_MS = 100,
  KEPT_ITEMS = 1_000,
  KEPT_MS = 604_800_000,
  STORAGE_MS = 100,
}

// As `keep` writes it, and as JSON.stringify did before.
const KEPT = /^{"e":{(.*)},"t":"([^"]*)"(,"r":true)?}$/s;

const empty = (): never => ({ __proto__: null }) as never;

/** What waits or is under way, by its id, in order. */
let items: Items = empty();
const callers: Record<string, (verdict: Verdict) => void> = empty();
let flying = 0;
let timer = 0;
let failures = 0;
let other: unknown = false;
let retryAt = 0;
let lookForKept = true;
let answeredId: string | undefined;
let warned: unknown;
/** The id of the last event that went alone and got no answer: those up to it wait until all others were tried. 0: none. */
let tried: string | number = 0;

/** Puts an event among those that wait; the promise is for its verdict. */
export async function enqueue(e: Event, p: () => string, r?: string): Promise<Verdict> {
  const i = e.event_id;
  // What the page gave and cannot be sent is to fail here, in the page's own call.
  members(e);
  // Until it is known which storage may be used, it is not known who the visitor is.
  items[i] = { __proto__: null, e, p, t: may() ? "" : visitor(), r, c: said } as never;
  wake(options.sandbox ? 0 : Limit.BATCH_MS);
  // A promise of the page's own making might not keep its word.
  return { then: (resolve: (verdict: Verdict) => void) => (callers[i] = resolve) } as never;
}

/** Looks for events that an earlier or another page could not send, and sends. */
export function resume(): void {
  lookForKept = true;
  // What got no answer without a network is no reason to go after others.
  tried = retryAt = 0;
  tick();
}

/** Sends all that waits at once, and keeps all that is unanswered: the page may not live to see the answer. */
export function hide(): void {
  if (mustNotSend()) return;
  if (!(+get(Name.PAUSED_UNTIL)! > Date.now())) flush(true);
  keep();
}

/** Sends after a while. */
export function wake(delay: number): void {
  timer ||= setTimeout(tick, delay);
}

/** A page that is rendered before anybody asked for it may never be seen; nothing of it is sent before. */
function mustNotSend(): unknown {
  return off || may() === May.WAIT || (document as { prerendering?: boolean }).prerendering;
}

function tick(): void {
  // If this was no timer's doing, the one that is set only comes to nothing.
  timer = 0;
  // The answer to what is under way wakes us again.
  if (mustNotSend() || flying) return;
  const delay = Math.max(+get(Name.PAUSED_UNTIL)! || 0, retryAt) - Date.now();
  if (delay > 0) wake(delay);
  else if (lookForKept) {
    lookForKept = false;
    void lock(takeKept);
  } else flush();
}

/**
 * Takes what is kept out of the storage, in front of what waits: it happened before.
 * Not while nobody sees this page: it may end any moment, without another word.
 */
async function takeKept(): Promise<void> {
  // What another tab has just sent and removed is seen here for a moment longer.
  await { then: (resolve: () => void) => setTimeout(resolve, Limit.STORAGE_MS) };
  lookForKept = document.hidden;
  const found = lookForKept ? [] : ids();
  const kept: Items = empty();
  for (let n = 0; n < found.length; n++) {
    const i = found[n]!;
    const parts = KEPT.exec(get(i)!);
    if (parts && i > uuid(Date.now() - Limit.KEPT_MS)) kept[i] = { __proto__: null, s: parts[1], t: parts[2], r: parts[3], c: "granted", k: 1 } as never;
    drop(i);
  }
  items = { __proto__: null, ...kept, ...items } as never;
  flush();
}

/** Sends one batch, if none is under way; with `all`, everything. */
function flush(all?: boolean): void {
  if (flying && !all) return;
  const most = +get(Name.BATCH)! || Limit.BATCH;
  const batch: Items = empty();
  let first: Item | undefined;
  let length = 0;
  let events = "";
  for (const i in items) {
    const item = items[i]!;
    if (item.f || i <= (tried as string)) continue;
    const json = text(item);
    const allowed = may(item.c);
    // A batch has one tracking id, so a reset begins a new one.
    if (first && (item.r || item.t !== first.t || allowed !== may(first.c) || length + json.length > most)) break;
    first ||= item;
    length += json.length;
    batch[i] = item;
    item.f = true;
    if (!item.r) events += `${events && ","}{${json}}`;
  }
  if (!first) {
    if (tried) wake((tried = 0));
    return;
  }
  const done = post(batch, first, length, events);
  // As long as this page lives, no other may take for lost what it has under way.
  void lock(() => done, "shared");
  if (all) flush(all);
}

/** An event's JSON without the braces. */
function text(item: Item): string {
  const { e, p } = item;
  item.t ||= visitor();
  if (e && !item.s) {
    const chosen = (item.c !== "pending" && item.c) || said;
    item.c = chosen || "granted";
    e.context.analytics_consent = chosen;
    if (may(item.c)) e.identity = e.identity_signature = undefined;
    item.s = `${members(e)},"properties":${p!()}`;
  }
  return item.s!;
}

async function post(batch: Items, first: Item, length: number, events: string): Promise<void> {
  const { t, r, c } = first;
  const alone = length === first.s!.length;
  const allowed = may(c);
  if (allowed === May.NOTHING) return refuse(batch, "privacy.consent");
  flying++;
  // Until the project's policy is known, the server may have to end a cookie.
  const nobody = policy && allowed;
  const head = members({
    token,
    sent_at: Date.now() / 1000,
    tracking_id: nobody ? undefined : t,
    reset: r && true,
    cross_subdomain_cookie: options.cross_subdomain_cookie,
  });
  // Browsers also read what every object inherits.
  const init = {
    __proto__: null,
    method: "POST",
    // A plain string is sent as text/plain, for which no browser asks permission first.
    body: `{${head},"events":[${events}]}`,
    // So that it outlives the page. What is too large for that is refused, and goes once more without.
    keepalive: !other,
    credentials: nobody ? "omit" : "include",
  } as RequestInit;
  const reply = await send(`${options.endpoint}/collect?token=${encodeURIComponent(token)}`, init, other);
  flying--;
  for (const i in batch) batch[i]!.f = false;
  const results: Verdict[] | undefined = reply?.answer_?.results;
  if (results) {
    drop(Name.BATCH);
    leave(batch);
    for (let n = 0; n < results.length; n++) settle(results[n]!);
    if (c !== "granted") learn(reply!.answer_.denied_consent);
    // The cookie is the truth about who the visitor is, and the server reads it; but not if
    // this page or another has asked for a new visitor meanwhile.
    answeredId = reply!.answer_.tracking_id;
    if (answeredId && !may(c) && t === get(Name.TRACKING_ID)) {
      // Somebody logged out on another sub-domain: an identity remembered from before is not theirs.
      if (answeredId !== t && !namedHere) drop(Name.IDENTITY);
      put(Name.TRACKING_ID, answeredId);
    }
  } else {
    const status = reply?.status || 0;
    // After how many failures in a row an event that goes alone does not fit, by the status that cut it off.
    // Where nothing came back there is no telling from a line that fails.
    const most = ({ 0: 1 / 0, 408: 3, 413: 0 } as Record<number, number>)[status]!;
    // Answers that would be the same for ever, and what is cut off again and again although it goes alone.
    if (/40[013]/.test(status as never) || (alone && failures >= most)) refuse(batch, "http." + status, reply?.answer_?.error?.message);
    else {
      const pause = +reply?.headers?.get("retry-after")!;
      const halve = !alone && most >= 0;
      if (halve) put(Name.BATCH, length / 2 + "");
      if (pause) put(Name.PAUSED_UNTIL, Date.now() + pause * 1000 + "");
      else if (!status || !halve) {
        // Without an answer, once more at once by the browser's own means.
        if (!(status > 200)) other = !other;
        // What may be the reason is not to keep the others waiting; but what follows a reset needs its answer.
        if (failures && alone && !r) for (tried in batch);
        retryAt = Date.now() + 1000 * (2 ** failures++ - +!status);
      }
      keep();
    }
  }
  wake(0);
}

/** Puts all events into the storage that may be there; the newest stay if there are too many. */
function keep(): void {
  lookForKept = true;
  for (const i in items) {
    const item = items[i]!;
    text(item);
    if (may(item.c)) continue;
    // By the time it is sent, somebody else may be the visitor.
    if (!item.k && item.t === answeredId) item.s += item.k = `,"tracking_id":"${answeredId}"`;
    put(i, `{"e":{${item.s}},"t":"${item.t}"${item.r || ""}}`);
    if (!item.f) delete items[i];
  }
  const kept = ids();
  for (let n = 0; n < kept.length - Limit.KEPT_ITEMS; n++) drop(kept[n]!);
}

function leave(batch: Items): void {
  failures = 0;
  for (const i in batch) {
    delete items[i];
    drop(i);
  }
}

function visitor(): string {
  const id = get(Name.TRACKING_ID) || peek(Name.TRACKING_ID) || uuid(now());
  put(Name.TRACKING_ID, id);
  return id;
}

function refuse(batch: Items, rule_id: string, message?: string): void {
  leave(batch);
  for (const i in batch) settle(refusal(rule_id, message, i));
}

/** Tells who waits, and once a page why an event is not among the shop's numbers, unless the visitor's wish is the reason. */
export function settle(verdict: Verdict): void {
  const violation = verdict.violations[0];
  if (violation) {
    if (!warned && !/^privacy/.test(violation.rule_id)) {
      warned = true;
      console.warn("shopalytic", verdict.status, violation);
    }
    // An identity whose signature has become too old would cost all later events, too.
    if (/expired/.test(violation.rule_id)) drop(Name.IDENTITY);
  }
  callers[verdict.event_id]?.(verdict);
}

/** The verdict on an event that never reached the store. */
export function refusal(rule_id: string, message = "", event_id = ""): Verdict {
  return { event_id, status: "REJECTED", violations: [{ field: "", rule_id, message }] };
}
