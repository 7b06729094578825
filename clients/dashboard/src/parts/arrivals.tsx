/** What becomes of a shop's events, as it happens: what is stored, what counts as a robot's, what is refused and why. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { AdminService, type QuarantinedEvent } from "contract/admin_pb";
import { ReportService } from "contract/reports_pb";
import { useEffect, useState } from "preact/hooks";
import { call, useAnswer } from "../answers";
import { count } from "../amounts";
import { link } from "../route";
import { useView } from "../view";
import { moment } from "../zones";
import { EventLine } from "./event";
import { Failed } from "./states";
import { type Tail, useTail } from "./tail";

const MOST_SHOWN = 5;
const PAUSE_MS = 2_000;

export function Arrivals() {
  const { sandbox } = useView();
  const tail = useTail([], sandbox, false);
  const refused = useRefused(sandbox);
  if (tail.events.length === 0 && tail.error && tail.state !== "listening") return <Failed error={tail.error} retry={tail.retry} />;
  return (
    <>
      {tail.events.length > 0 ? <Arrived tail={tail} /> : <Awaited tail={tail} />}
      {refused && <Refused {...refused} />}
    </>
  );
}

function Awaited({ tail }: { tail: Tail }) {
  return (
    <>
      <Stored />
      <p class="waiting" role="status">
        <span class="spinner" aria-hidden="true" /> {tail.state === "listening" ? "Waiting for the next event…" : "Connecting…"}
      </p>
    </>
  );
}

function Arrived({ tail }: { tail: Tail }) {
  const latest = tail.events.slice(0, MOST_SHOWN);
  return (
    <>
      <p class="arrived" role="status">
        It works: events arrive and are stored. These are the latest.
      </p>
      {latest.some(({ robot }) => robot) && (
        <Robots text="A visitor counts as a robot, by the browser’s own name or because it says that it is driven by a program." />
      )}
      {latest.map((event) => (
        <EventLine key={event.eventId} event={event} clock />
      ))}
      <p>
        <a href={link("live")}>Watch all of them</a>
      </p>
    </>
  );
}

/** What the store has already, so that nobody waits for what has come long ago. */
function Stored() {
  const { sandbox, zone } = useView();
  const scope = { timeZone: zone, includeSandbox: sandbox };
  const all = useAnswer(ReportService.method.getTrafficReport, { scope: { ...scope, includeBots: true }, limit: 1 });
  const people = useAnswer(ReportService.method.getTrafficReport, { scope, limit: 1 });
  const sales = useAnswer(ReportService.method.getSalesReport, { scope });
  const views = all.value?.total?.pageViews ?? 0n;
  const orders = sales.value?.reports.reduce((sum, { total }) => sum + (total?.orders ?? 0n), 0n) ?? 0n;
  if (views === 0n && orders === 0n) return null;
  return (
    <>
      <p class="arrived">
        Events are stored already: {count(views)} page views and {count(orders)} orders. <a href={link("overview", "", { range: "all" })}>See them</a>
      </p>
      {people.value?.total?.pageViews === 0n && views > 0n && <Robots text="All these page views are of visitors who count as robots." />}
    </>
  );
}

function Robots({ text }: { text: string }) {
  return (
    <p class="wrong">
      {text} Reports leave robots out unless “Include bots” is chosen in Filters.
    </p>
  );
}

interface RefusedEvents {
  /** The latest that were refused before the page was opened, one or none. */
  before: QuarantinedEvent[];
  /** Those refused since, the newest first. */
  since: QuarantinedEvent[];
}

/** Asks again and again: refused events are in no stream. Null until the first answer. */
function useRefused(sandbox: boolean): RefusedEvents | null {
  const [refused, setRefused] = useState<RefusedEvents | null>(null);
  useEffect(() => {
    let ended = false;
    let timer = 0;
    let before: QuarantinedEvent[] | null = null;
    const look = async (): Promise<void> => {
      try {
        const answer = await call(AdminService.method.listQuarantine, { pageSize: MOST_SHOWN, sandbox });
        if (ended) return;
        const { events } = answer;
        before ??= events.slice(0, 1);
        const last = events.findIndex(({ quarantineId }) => quarantineId === before?.[0]?.quarantineId);
        setRefused({ before, since: last < 0 ? events : events.slice(0, last) });
      } catch {
        // The stream of events tells that the service is away.
      }
      if (!ended) timer = setTimeout(() => void look(), PAUSE_MS);
    };
    void look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [sandbox]);
  return refused;
}

function Refused({ before, since }: RefusedEvents) {
  const { zone } = useView();
  const written = (event: QuarantinedEvent): string => (event.receivedAt ? moment(timestampDate(event.receivedAt), zone) : "");
  const reasons = ({ violations }: QuarantinedEvent): string =>
    violations.map(({ field, message }) => `${field || "event"} ${message}`).join("; ");
  if (since.length > 0) {
    return (
      <>
        <p class="wrong" role="status">
          Not accepted since you came here:
        </p>
        <ul class="reasons">
          {since.map((event) => (
            <li key={event.quarantineId}>
              <time>{written(event)}</time> <span>{reasons(event)}</span>
            </li>
          ))}
        </ul>
        <p>
          <a href={link("quarantine")}>See quarantine</a>
        </p>
      </>
    );
  }
  const [latest] = before;
  return (
    <p class="note">
      {latest ? (
        <>
          The latest event that was not accepted came {written(latest)}: {reasons(latest)}. <a href={link("quarantine")}>See quarantine</a>
        </>
      ) : (
        "No event was refused so far. "
      )}{" "}
      Nothing comes? A wrong key is refused before anything is stored: the console of the browser, or the log of the backend, says so.
    </p>
  );
}
