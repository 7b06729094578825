/** Asks the server to judge events of quarantine again, and says in words what became of them. */
import type { ConnectError } from "@connectrpc/connect";
import { Code } from "@connectrpc/connect";
import { AdminService, type QuarantinedEvent, type ReplayPreview } from "contract/admin_pb";
import { type EventResult, EventStatus } from "contract/collector_pb";
import { count } from "./amounts";
import { call } from "./answers";

/** What a list of quarantine is narrowed to; empty: nothing. */
export interface Filter {
  ruleId: string;
  type: string;
}

/** The events that are meant: some that were chosen, or all that a filter finds. */
export interface Target {
  events: QuarantinedEvent[];
  /** Null where the events are meant alone. */
  filter: Filter | null;
  sandbox: boolean;
}

export interface Outcome {
  accepted: number;
  duplicates: number;
  failed: number;
  unpatched: number;
  results: EventResult[];
  previews: ReplayPreview[];
}

/** The most ids that one request may name. */
const MOST_IDS = 1_000;
const MOST_PREVIEWS = 20;
/** The most events that a repair may be made of here. */
export const MOST_REPAIRED = 5_000;

/** All events of a filter, for a repair, which looks at each; null when they are too many. */
export async function all(filter: Filter, sandbox: boolean): Promise<QuarantinedEvent[] | null> {
  const found: QuarantinedEvent[] = [];
  for (let pageToken = ""; ; ) {
    const page = await call(AdminService.method.listQuarantine, { pageSize: MOST_IDS, pageToken, sandbox, ...filter });
    found.push(...page.events);
    if (found.length > MOST_REPAIRED) return null;
    if (!page.nextPageToken) return found;
    pageToken = page.nextPageToken;
  }
}

/**
 * Replays the events, each with the patch that is for it; "" is none. `asServer` trusts
 * them as if they had come with a server key, and is only for events that are named.
 */
export async function replay(target: Target, patches: Map<string, string[]>, dryRun: boolean, asServer = false): Promise<Outcome> {
  const whole: Outcome = { accepted: 0, duplicates: 0, failed: 0, unpatched: 0, results: [], previews: [] };
  for (const [patch, ids] of patches) {
    for (let start = 0; start === 0 || start < ids.length; start += MOST_IDS) {
      const answer = await call(AdminService.method.replayQuarantine, {
        quarantineIds: ids.slice(start, start + MOST_IDS),
        ruleId: target.filter?.ruleId ?? "",
        type: target.filter?.type ?? "",
        sandbox: target.sandbox,
        patch,
        dryRun,
        asServer,
      });
      whole.accepted += answer.accepted;
      whole.duplicates += answer.duplicates;
      whole.failed += answer.failed;
      whole.unpatched += answer.unpatched;
      whole.results.push(...answer.results);
      whole.previews.push(...answer.previews);
    }
  }
  whole.previews.splice(MOST_PREVIEWS);
  return whole;
}

/** The same patch for all events of a target. */
export function forAll(target: Target, patch: string): Map<string, string[]> {
  return new Map([[patch, target.filter ? [] : target.events.map((event) => event.quarantineId)]]);
}

/** What became of the events, a sentence for each fate; `would` when nothing was written. */
export function sentences({ accepted, duplicates, failed, unpatched }: Outcome, would: boolean): string[] {
  const say = (number: number, one: string, many: string): string[] =>
    number === 0 ? [] : [number === 1 ? `1 event ${one}.` : `${count(number)} events ${many}.`];
  const told = would
    ? [
        ...say(accepted, "would be accepted", "would be accepted"),
        ...say(duplicates, "is stored already and would leave quarantine", "are stored already and would leave quarantine"),
        ...say(failed, "would still be refused", "would still be refused"),
        ...say(unpatched, "would stay as it is, because the patch does not fit it", "would stay as they are, because the patch does not fit them"),
      ]
    : [
        ...say(accepted, "was accepted and stored", "were accepted and stored"),
        ...say(duplicates, "was stored already and left quarantine", "were stored already and left quarantine"),
        ...say(failed, "is still refused", "are still refused"),
        ...say(unpatched, "stayed as it was, because the patch does not fit it", "stayed as they were, because the patch does not fit them"),
      ];
  return told.length > 0 ? told : ["None of these events is in quarantine any more; somebody else may have replayed them."];
}

/** Results of events that are still refused. */
export function refused({ results }: Outcome): EventResult[] {
  return results.filter(({ status }) => status !== EventStatus.ACCEPTED && status !== EventStatus.DUPLICATE);
}

/** Why a replay could not be made, as a sentence. */
export function reason(error: ConnectError): string {
  if (error.code === Code.DeadlineExceeded)
    return "It takes longer than a minute. What is done stays done; look at the list again, and replay what is left.";
  return error.rawMessage;
}
