/** Events that were not accepted, whole and with the reasons; repaired and replayed from here. */
import { ConnectError } from "@connectrpc/connect";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { AdminService, KeyClass, type QuarantinedEvent } from "contract/admin_pb";
import { EventStatus } from "contract/collector_pb";
import { useEffect, useState } from "preact/hooks";
import { count } from "../amounts";
import { ask, call, forget } from "../answers";
import { EVENT_TYPES, words } from "../catalogue";
import { fileName, savePages } from "../csv";
import { Choice, Entry, Tick } from "../parts/controls";
import { everyPage, type Page, Paged } from "../parts/pages";
import { ExportButton } from "../parts/table";
import { Repair } from "../parts/repair";
import { Replayed } from "../parts/replayed";
import { documentText } from "../patches";
import { all, type Filter, forAll, MOST_REPAIRED, type Outcome, reason, replay, type Target } from "../replays";
import { useRoute } from "../route";
import { isAdmin, signOut } from "../session";
import { exactTime, useView } from "../view";
import { moment } from "../zones";

const PAGE_SIZE = 50;
const EXPORTED_AT_ONCE = 500;
const TOO_MANY = `These are more than ${count(MOST_REPAIRED)} events: choose a rule, or repair them by the command shopalytic quarantine repair.`;

/** What was chosen: events by their ids, or all of the filter. */
type Choice = Set<string> | "all";

/** Where a form or a sentence stands: at the event with this id, or at what is selected. */
const SELECTED = "";

interface Hands {
  repairing: { target: Target; place: string } | null;
  repair: (target: Target, place: string) => void;
  replay: (target: Target, place: string) => void;
  cancel: () => void;
  done: (outcome: Outcome) => void;
  busy: boolean;
  /** Why a button did nothing. */
  lack: { place: string; text: string; otherKey: boolean } | null;
}

export function Quarantine() {
  const { sandbox } = useView();
  const { params } = useRoute();
  const ruleId = params.get("rule") ?? "";
  const type = params.get("type") ?? "";
  const filter: Filter = { ruleId, type };
  const page = async (pageToken: string, pageSize: number, asking: typeof ask): Promise<Page<QuarantinedEvent>> => {
    const answer = await asking(AdminService.method.listQuarantine, { pageSize, pageToken, sandbox, ...filter });
    return { items: answer.events, next: answer.nextPageToken, total: answer.totalEvents };
  };
  const lines = async function* (): AsyncGenerator<string[][]> {
    for await (const events of everyPage((token) => page(token, EXPORTED_AT_ONCE, call))) yield events.flatMap(cells);
  };
  const [choice, setChoice] = useState<Choice>(new Set<string>());
  const [told, setTold] = useState<{ outcome: Outcome; events: QuarantinedEvent[] } | null>(null);
  const hands = useHands((target, outcome) => {
    setTold({ outcome, events: target.events });
    setChoice(new Set<string>());
    // Reports and timelines have changed with it, too.
    forget();
  });
  useEffect(() => {
    setChoice(new Set<string>());
    hands.cancel();
  }, [ruleId, type, sandbox]);
  return (
    <>
      <div class="controls">
        <Entry
          label="Rule"
          name="rule"
          placeholder="every rule"
          suggestions={["required", "email.taken", "event_id.conflict", "identity.taken"]}
        />
        <Choice
          label="Kind of event"
          name="type"
          standard=""
          choices={[["", "every kind"], ...EVENT_TYPES.map((each): [string, string] => [each, words(each)])]}
        />
        <Tick label="Sandbox events instead" name="sandbox" />
        <ExportButton disabled={false} run={(told) => savePages(fileName("quarantine", null), HEAD, lines(), told)} />
      </div>
      {told && <Replayed outcome={told.outcome} events={told.events} close={() => setTold(null)} />}
      <Paged
        name={`${ruleId} ${type} ${sandbox}`}
        empty={type ? "No event in quarantine fits these filters" : ruleId ? "No event breaks this rule" : "Nothing is in quarantine"}
        load={(token) => page(token, PAGE_SIZE, ask)}
      >
        {(events, foot, more) => (
          <>
            <Picks events={events} more={more} choice={choice} setChoice={setChoice} hands={hands} filter={filter} />
            <section class="card" aria-label="Events, the newest first">
              {events.map((event) => (
                <Line
                  key={event.quarantineId}
                  event={event}
                  picked={choice === "all" || choice.has(event.quarantineId)}
                  pick={(picked) => setChoice(repicked(choice, events, event, picked))}
                  hands={hands}
                />
              ))}
            </section>
            {foot}
          </>
        )}
      </Paged>
    </>
  );
}

/** A list in words. */
function narrowed({ ruleId, type }: Filter): string {
  if (!ruleId && !type) return "of quarantine";
  return [type && `of kind ${words(type)}`, ruleId && `that break ${ruleId}`].filter(Boolean).join(" ");
}

const HEAD = ["Quarantine id", "Arrived", "Verdict", "Key", "Event", "Field", "Rule", "Message"];

/** A line for each reason why an event was not accepted. */
function cells(event: QuarantinedEvent): string[][] {
  return event.violations.map((violation) => [
    event.quarantineId,
    exactTime(event.receivedAt),
    event.status === EventStatus.CONFLICT ? "conflict" : "invalid",
    event.keyClass === KeyClass.SERVER ? "server key" : "browser key",
    kind(event),
    violation.field,
    violation.ruleId,
    violation.message,
  ]);
}

function repicked(choice: Choice, shown: QuarantinedEvent[], event: QuarantinedEvent, picked: boolean): Choice {
  const ids = new Set(choice === "all" ? shown.map((each) => each.quarantineId) : choice);
  if (picked) ids.add(event.quarantineId);
  else ids.delete(event.quarantineId);
  return ids;
}

/** Repairing and replaying, for the page to hand to its buttons. */
function useHands(after: (target: Target, outcome: Outcome) => void): Hands {
  const [repairing, setRepairing] = useState<Hands["repairing"]>(null);
  const [busy, setBusy] = useState(false);
  const [lack, setLack] = useState<Hands["lack"]>(null);
  const ready = (target: Target, place: string): boolean => {
    const otherKey = !isAdmin();
    const nothing = target.events.length === 0 && !target.filter;
    const text = nothing ? "Nothing is selected: tick the events that are meant." : "";
    setLack(otherKey || nothing ? { place, text, otherKey } : null);
    return !otherKey && !nothing;
  };
  const done = (target: Target, outcome: Outcome): void => {
    setRepairing(null);
    after(target, outcome);
  };
  const work = (place: string, job: () => Promise<void>): void => {
    setRepairing(null);
    setBusy(true);
    job()
      .catch((cause: unknown) => setLack({ place, text: reason(ConnectError.from(cause)), otherKey: false }))
      .finally(() => setBusy(false));
  };
  return {
    repairing,
    busy,
    lack,
    repair: (target, place) => {
      if (!ready(target, place)) return;
      const { filter, sandbox } = target;
      if (!filter) return setRepairing({ target, place });
      work(place, async () => {
        const events = await all(filter, sandbox);
        if (events) setRepairing({ target: { events, filter: null, sandbox }, place });
        else setLack({ place, text: TOO_MANY, otherKey: false });
      });
    },
    replay: (target, place) => {
      if (ready(target, place)) work(place, async () => done(target, await replay(target, forAll(target, ""), false)));
    },
    cancel: () => {
      setRepairing(null);
      setLack(null);
    },
    done: (outcome) => repairing && done(repairing.target, outcome),
  };
}

interface PicksProps {
  events: QuarantinedEvent[];
  more: boolean;
  choice: Choice;
  setChoice: (choice: Choice) => void;
  hands: Hands;
  filter: Filter;
}

/** What is chosen, and what can be done with it. */
function Picks({ events, more, choice, setChoice, hands, filter }: PicksProps) {
  const { sandbox } = useView();
  const chosen = choice === "all" ? events : events.filter((event) => choice.has(event.quarantineId));
  const whole = chosen.length === events.length;
  const target: Target = { events: chosen, filter: choice === "all" ? filter : null, sandbox };
  const words = choice === "all" ? `All ${narrowed(filter)}` : `${count(chosen.length)} of ${count(events.length)} selected`;
  return (
    <section class="card picks" aria-label="Selected events">
      <div class="controls">
        <label class="tick">
          <input
            type="checkbox"
            checked={whole}
            ref={(box) => void (box && (box.indeterminate = chosen.length > 0 && !whole))}
            onChange={() => setChoice(whole ? new Set<string>() : new Set(events.map((event) => event.quarantineId)))}
          />
          Select all shown
        </label>
        <span role="status">{words}</span>
        <span class="actions">
          <button type="button" disabled={hands.busy} onClick={() => hands.replay(target, SELECTED)}>
            Replay selected
          </button>
          <button type="button" disabled={hands.busy} onClick={() => hands.repair(target, SELECTED)}>
            Repair selected…
          </button>
          {hands.busy && <span class="spinner" role="status" aria-label="Working" />}
        </span>
      </div>
      {whole && more && choice !== "all" && (
        <p>
          There are more than are shown.{" "}
          <button type="button" onClick={() => setChoice("all")}>
            Select all {narrowed(filter)}
          </button>
        </p>
      )}
      <Form hands={hands} place={SELECTED} />
    </section>
  );
}

/** The form to repair with, or why there is none, where it was asked for. */
function Form({ hands: { lack, repairing, done, cancel }, place }: { hands: Hands; place: string }) {
  if (repairing?.place === place) return <Repair target={repairing.target} done={done} cancel={cancel} />;
  if (lack?.place !== place) return null;
  if (!lack.otherKey) return <p role="alert">{lack.text}</p>;
  return (
    <p role="alert">
      Repairing and replaying need a key of class <b>admin</b>. On the server, <code>shopalytic key show admin</code> prints one.{" "}
      <button type="button" onClick={() => signOut()}>
        Sign in with another key
      </button>
    </p>
  );
}

function Line({ event, picked, pick, hands }: { event: QuarantinedEvent; picked: boolean; pick: (picked: boolean) => void; hands: Hands }) {
  const { zone } = useView();
  const [first, ...others] = event.violations;
  const at = event.receivedAt ? moment(timestampDate(event.receivedAt), zone) : "";
  return (
    <div class="pickable">
      <input
        type="checkbox"
        aria-label={`Select ${kind(event)} of ${at}`}
        checked={picked}
        onChange={(change) => pick(change.currentTarget.checked)}
      />
      <details class="event">
        <summary>
          <time>{at}</time>
          <span class="kind">{kind(event)}</span>
          <span class="what">
            {first && (
              <>
                <code>{first.field || "event"}</code> {first.message}
              </>
            )}
            {others.length > 0 && ` and ${others.length} more`}
          </span>
          <span class="kind">{event.keyClass === KeyClass.SERVER ? "server key" : "browser key"}</span>
          <span class={`kind ${event.status === EventStatus.CONFLICT ? "conflict" : "broken"}`}>
            {event.status === EventStatus.CONFLICT ? "conflict" : "invalid"}
          </span>
        </summary>
        <Details event={event} hands={hands} />
      </details>
    </div>
  );
}

/** One event whole: why it was not accepted, what can be done, and what it is. */
function Details({ event, hands }: { event: QuarantinedEvent; hands: Hands }) {
  const { sandbox } = useView();
  const place = event.quarantineId;
  const target: Target = { events: [event], filter: null, sandbox };
  return (
    <div class="event-details">
      <ul>
        {event.violations.map((violation, index) => (
          <li key={index}>
            <code>{violation.field || "event"}</code> {violation.message}{" "}
            <a href={`#/quarantine?rule=${encodeURIComponent(violation.ruleId)}`}>{violation.ruleId}</a>
          </li>
        ))}
      </ul>
      <div class="actions">
        <button type="button" disabled={hands.busy} onClick={() => hands.replay(target, place)}>
          Replay
        </button>
        <button type="button" disabled={hands.busy} aria-expanded={hands.repairing?.place === place} onClick={() => hands.repair(target, place)}>
          Repair…
        </button>
      </div>
      <Form hands={hands} place={place} />
      {event.event && (
        <pre tabindex={0} aria-label="The event as it was sent">
          {documentText(event.event)}
        </pre>
      )}
    </div>
  );
}

function kind({ event }: QuarantinedEvent): string {
  return event?.payload.case?.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`) ?? "event";
}
