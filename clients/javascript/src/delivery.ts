/** Gets events to the server: in order, in batches, and again until they are answered. */
import type { Verdict } from "./api.js";
import { copy, now, uuid } from "./ids.js";
import { off, options, token } from "./settings.js";
import { drop, lock, get, ids, put } from "./store.js";
import { namedHere } from "./tag.js";

/** An event as it is sent; a reset without an event has no type. */
export interface Event {
  event_id: string;
  type?: string;
  tracking_id?: string;
  [name: string]: unknown;
}

/** An event on its way. Also the form in which it is kept in the storage, so its names must stay. */
export interface Item {
  /** The event. */
  e: Event;
  /** The tracking id that a visitor without one gets. */
  t: string;
  /** Whether the visitor gets that id even if they have another: a reset. */
  r: boolean | undefined;
}

interface Answer {
  tracking_id?: string;
  results?: Verdict[];
  error?: { message: string };
}

const enum Limit {
  // Browsers refuse keepalive above 64 KB in all. An event that is larger goes alone and without it.
  BATCH_BYTES = 59_000,
  BATCH_ITEMS = 1_000,
  // With STORAGE_MS, which only a page's first batch waits too, 200.
  BATCH_MS = 100,
  KEPT_ITEMS = 1_000,
  KEPT_MS = 604_800_000,
  REQUEST_MS = 30_000,
  RETRY_SECONDS = 60,
  STORAGE_MS = 100,
}

/** Names in the storage, where kept events go by their ids. */
export const enum Name {
  TRACKING_ID = "id",
  PAUSED_UNTIL = "until",
  IDENTITY = "identity",
  SIGNATURE = "signed",
}

const waiting: Item[] = [];
const flying = new Set<Item>();
let timer = 0;
let failures = 0;
let retryAt = 0;
let lookForKept = true;
let answeredId: string | undefined;
const callers: Record<string, (verdict: Verdict) => void> = {};

/** Puts an event among those that wait; the promise is for its verdict. */
export function enqueue(event: Event, reset?: boolean): Promise<Verdict> {
  const tracking = get(Name.TRACKING_ID) || uuid(now());
  put(Name.TRACKING_ID, tracking);
  waiting.push({ e: event, t: tracking, r: reset });
  wake(options.sandbox ? 0 : Limit.BATCH_MS);
  return new Promise((resolve) => (callers[event.event_id] = resolve));
}

/** Looks for events that an earlier or another page could not send, and sends. */
export function resume(): void {
  lookForKept = true;
  retryAt = 0;
  tick();
}

/** Sends all that waits at once, and keeps all that is unanswered: the page may not live to see the answer. */
export function hide(): void {
  if (mustNotSend()) return;
  if (+get(Name.PAUSED_UNTIL)! > Date.now()) {
    keep(waiting.splice(0));
    lookForKept = true;
  } else flush(true);
  keep(flying);
}

/** Sends after a while. */
export function wake(delay: number): void {
  timer ||= setTimeout(tick, delay);
}

/** A page that is rendered before anybody asked for it may never be seen; nothing of it is sent before. */
function mustNotSend(): unknown {
  return off || (document as { prerendering?: boolean }).prerendering;
}

function tick(): void {
  // If this was no timer's doing, the one that is set only comes to nothing.
  timer = 0;
  // The answer to what is under way wakes us again.
  if (mustNotSend() || flying.size) return;
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
  await new Promise((resolve) => setTimeout(resolve, Limit.STORAGE_MS));
  lookForKept = document.hidden;
  for (const id of lookForKept ? [] : ids().reverse()) {
    try {
      if (id > uuid(Date.now() - Limit.KEPT_MS)) waiting.unshift(JSON.parse(get(id)!));
    } catch {}
    drop(id);
  }
  flush();
}

/** Sends one batch, if none is under way; with `all`, everything. */
function flush(all?: boolean): void {
  while (waiting.length && (all || !flying.size)) {
    let bytes = 0;
    // A batch has one tracking id, so a reset begins a new one.
    const end = waiting.findIndex(
      ({ e, t }) => t !== waiting[0]!.t || (bytes += new Blob([JSON.stringify(e)]).size + 1) > Limit.BATCH_BYTES,
    );
    const answered = post(waiting.splice(0, end < 0 ? Limit.BATCH_ITEMS : end || 1), !!end);
    // As long as this page lives, no other may take for lost what it has under way.
    void lock(() => answered, "shared");
  }
}

async function post(batch: Item[], keepalive: boolean): Promise<void> {
  const { t, r } = batch[0]!;
  for (const item of batch) {
    flying.add(item);
    // Repeated, it must be the same event to the letter.
    item.e = copy(item.e);
  }
  const response = await fetch(options.endpoint + "/collect", {
    method: "POST",
    // A plain string is sent as text/plain, for which no browser asks permission first.
    body: JSON.stringify({
      token,
      sent_at: new Date(),
      tracking_id: t,
      reset: r,
      cross_subdomain_cookie: options.cross_subdomain_cookie,
      events: batch.map(({ e }) => e).filter(({ type }) => type),
    }),
    keepalive,
    credentials: "include",
    signal: AbortSignal.timeout?.(Limit.REQUEST_MS),
  }).catch(() => {});
  const answer: Answer | undefined = await response?.json().catch(() => {});
  const status = response?.status;
  const pause = +response?.headers.get("retry-after")!;
  const sent = batch.map((item) => {
    flying.delete(item);
    return item.e.event_id;
  });
  const verdicts =
    answer?.results ||
    // Answers that would be the same for ever. After any other the events are sent again.
    (/40[013]|413/.test(status as never) && sent.map((id) => refusal("http." + status, answer?.error?.message, id)));
  if (verdicts) {
    failures = 0;
    sent.forEach(drop);
    for (const verdict of verdicts) {
      callers[verdict.event_id]?.(verdict);
      delete callers[verdict.event_id];
    }
    // The cookie is the truth about who the visitor is, and the server reads it; but not if
    // this page or another has asked for a new visitor meanwhile.
    answeredId = answer?.tracking_id;
    if (answeredId && t === get(Name.TRACKING_ID)) {
      // Somebody logged out on another sub-domain: an identity remembered from before is not theirs.
      if (answeredId !== t && !namedHere) drop(Name.IDENTITY);
      put(Name.TRACKING_ID, answeredId);
    }
  } else {
    if (pause) put(Name.PAUSED_UNTIL, `${Date.now() + pause * 1000}`);
    else retryAt = Date.now() + 1000 * Math.min(2 ** failures++, Limit.RETRY_SECONDS);
    keep(batch);
    lookForKept = true;
  }
  wake(0);
}

/** Puts events into the storage, the newest of them if there are too many. */
function keep(items: Iterable<Item>): void {
  for (const item of items) {
    // By the time it is sent, somebody else may be the visitor.
    if (item.t === answeredId) item.e.tracking_id = item.t;
    put(item.e.event_id, JSON.stringify(item));
  }
  ids().slice(0, -Limit.KEPT_ITEMS).forEach(drop);
}

/** The verdict on an event that never reached the store. */
export function refusal(rule_id: string, message = "", event_id = ""): Verdict {
  return { event_id, status: "REJECTED", violations: [{ field: "", rule_id, message }] };
}
