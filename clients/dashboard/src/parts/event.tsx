/** One stored event: a line that says what happened, and all of it underneath. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { JsonObject, JsonValue } from "@bufbuild/protobuf";
import type { StoredEvent } from "contract/reports_pb";
import { count, money, price } from "../amounts";
import { plainSummary, words } from "../catalogue";
import { link } from "../route";
import { useView } from "../view";
import { moment, time } from "../zones";

export function EventLine({ event, who = true, clock = false }: { event: StoredEvent; who?: boolean; clock?: boolean }) {
  const { zone, home } = useView();
  const person = event.identity ?? event.trackingId ?? "";
  const counted = event.countedAt ?? event.occurredAt;
  const at = counted ? timestampDate(counted) : undefined;
  return (
    <details class="event">
      <summary>
        <time dateTime={at?.toISOString()}>{at && (clock ? time(at, zone) : moment(at, zone))}</time>
        <span class={`kind ${event.type}`}>{words(event.type)}</span>
        <span class="what">{summary(event, home)}</span>
        {event.robot && <span class="who">counted as a robot</span>}
        {who && <span class="who">{person}</span>}
      </summary>
      <EventDetails event={event} />
    </details>
  );
}

function EventDetails({ event }: { event: StoredEvent }) {
  const { zone } = useView();
  const person = event.identity ?? event.trackingId;
  const written = (at: Timestamp | undefined): string => (at ? moment(timestampDate(at), zone) : "");
  const moved = event.countedAt && event.occurredAt && event.countedAt.seconds !== event.occurredAt.seconds;
  const facts: [string, string][] = [
    ["event id", event.eventId],
    ["happened", written(event.countedAt ?? event.occurredAt)],
    ["by its own clock", moved ? written(event.occurredAt) : ""],
    ["arrived", written(event.receivedAt)],
    ["identity", event.identity ?? ""],
    ["tracking id", event.trackingId ?? ""],
    ["sender", event.source ?? ""],
    ["counted as", event.robot ? "a robot, which reports leave out" : ""],
  ];
  return (
    <div class="event-details">
      <dl class="facts">
        {facts
          .filter(([, value]) => value !== "")
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {event.properties && (
        <pre tabindex={0} aria-label="Properties">
          {JSON.stringify(event.properties, null, 2)}
        </pre>
      )}
      {event.context && (
        <pre tabindex={0} aria-label="Context">
          {JSON.stringify(event.context, null, 2)}
        </pre>
      )}
      {person && <a href={link("customers", person)}>Open this customer</a>}
    </div>
  );
}

/** What happened, in a few words. Amounts that name no currency are in the project's. */
function summary(event: StoredEvent, home: string): string {
  const properties: JsonObject = { currency: home, ...event.properties };
  const say = SUMMARIES[event.type];
  return say ? say(properties) : plainSummary(event.type, properties);
}

/** Where a type has more to say than its properties one after the other. */
const SUMMARIES: Record<string, (of: JsonObject) => string> = {
  page_view: (of) => [of.title, of.page_type].map(text).filter(Boolean).join(" · ") || path(text(of.url)),
  product_view: (of) => `${text(of.name) || text(of.sku)} at ${amount(of.price, of, price)}`,
  cart_add: (of) => `${text(of.qty)} × ${text(of.sku)} at ${amount(of.price, of, price)}`,
  cart_modify: (of) => `${text(of.sku)}${of.qty === undefined ? "" : ` to ${text(of.qty)}`}`,
  order: (of) =>
    `${text(of.order_id)}: ${amount(of.total, of)}, ${count(list(of.line_items))} ${list(of.line_items) === 1 ? "line" : "lines"}`,
  refund: (of) =>
    `${text(of.order_id)}: ${text(of.refund_type).toLowerCase().replace("refund_type_", "")} ${of.total_refund === undefined ? "" : amount(of.total_refund, of)}`,
  shipment: (of) => `${text(of.order_id)} by ${text(of.carrier)}`,
  shipment_delivered: (of) => `${text(of.order_id)} delivered`,
  identify: (of) => text(of.identity),
  alias: (of) => text(of.identity),
  customer_register: (of) => [of.first_name, of.last_name, of.email].map(text).filter(Boolean).join(" "),
  customer_update: (of) =>
    Object.keys(of)
      .filter((name) => name !== "currency")
      .join(", ")
      .replace(/_/g, " "),
};

function text(value: JsonValue | undefined): string {
  return value === undefined || value === null ? "" : String(value);
}

function list(value: JsonValue | undefined): number {
  return Array.isArray(value) ? value.length : 0;
}

function amount(value: JsonValue | undefined, of: JsonObject, write = money): string {
  return /^-?[0-9]+([.][0-9]+)?$/.test(text(value)) ? write(text(value), text(of.currency)) : text(value);
}

function path(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : url;
}
