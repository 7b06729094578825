/** What has arrived of a shop so far, and the next event as it is stored. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { AdminService } from "contract/admin_pb";
import { ReportService, type StoredEvent } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count } from "../amounts";
import { link } from "../route";
import { useView } from "../view";
import { moment } from "../zones";
import { EventLine } from "./event";
import { Failed } from "./states";
import { useTail } from "./tail";

export function Arrivals() {
  const { sandbox } = useView();
  const tail = useTail([], sandbox, false);
  const [first] = tail.events.slice(-1);
  if (first) return <Arrived event={first} />;
  if (tail.error && tail.state !== "listening") return <Failed error={tail.error} retry={tail.retry} />;
  return (
    <>
      <Stored />
      <p class="waiting" role="status">
        <span class="spinner" aria-hidden="true" /> {tail.state === "listening" ? "Waiting for the next event…" : "Connecting…"}
      </p>
      <Refused />
    </>
  );
}

function Arrived({ event }: { event: StoredEvent }) {
  return (
    <>
      <p class="arrived" role="status">
        It works: the first event has arrived and is stored.
      </p>
      {event.robot && <Robots text="This visitor counts as a robot, by the browser’s own name or because it says that it is driven by a program." />}
      <EventLine event={event} clock />
      <p>
        <a href={link("live")}>Watch the others</a>
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

/** The latest event that was not accepted, and why. */
function Refused() {
  const { sandbox, zone } = useView();
  const answer = useAnswer(AdminService.method.listQuarantine, { pageSize: 1, sandbox });
  const [latest] = answer.value?.events ?? [];
  if (!latest) {
    return (
      <p class="note">
        Nothing comes? A wrong key is refused before it is stored: the browser’s console on the shop’s page says so.
      </p>
    );
  }
  return (
    <p class="note">
      The latest event that was not accepted came {latest.receivedAt && moment(timestampDate(latest.receivedAt), zone)}:{" "}
      {latest.violations.map(({ field, message }) => `${field || "event"} ${message}`).join("; ")}. <a href={link("quarantine")}>See quarantine</a>
    </p>
  );
}
