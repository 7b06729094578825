/** One customer: who they are, what they are worth, what they did on which device, and why we think it was them. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type Customer, type Link, ReportService, type StoredEvent, type Touch } from "contract/reports_pb";
import { ask as asked, call, useAnswer } from "../answers";
import { count, decimal, money } from "../amounts";
import { EVENT_TYPES, words } from "../catalogue";
import { fileName, savePages } from "../csv";
import { Choice, CurrencyPicker } from "../parts/controls";
import { Define } from "../parts/define";
import { EventLine } from "../parts/event";
import { Folded } from "../parts/folded";
import { everyPage, type Page, Paged } from "../parts/pages";
import { nameOf } from "../names";
import { groupOf } from "../rfm";
import { Shown } from "../parts/states";
import { ExportButton, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { link, useRoute } from "../route";
import { exactTime, useView } from "../view";
import { date, moment } from "../zones";
import { Orders } from "./orders";

const PAGE_SIZE = 20;
const EXPORTED_AT_ONCE = 500;
const MOST_CHIPS = 12;

export function Profile({ who }: { who: string }) {
  const { sandbox, currency } = useView();
  const customer = { by: { case: "any" as const, value: who } };
  const answer = useAnswer(ReportService.method.getCustomer, { customer, sandbox, ...(currency ? { currency } : {}) });
  return (
    <>
      <div class="controls">
        <p class="back">
          <a href={link("customers")}>← All customers</a>
        </p>
        <CurrencyPicker />
      </div>
      <Shown answer={answer}>{({ customer }) => customer && <Known customer={customer} />}</Shown>
    </>
  );
}

function Known({ customer }: { customer: Customer }) {
  const { zone } = useView();
  const day = (at: Timestamp | undefined): string => (at ? date(timestampDate(at), zone) : "not known");
  return (
    <>
      <header class="person">
        <h2>{nameOf(customer)}</h2>
        {customer.profile?.email && <p>{customer.profile.email}</p>}
        <p class="chips">
          {customer.identities.slice(0, MOST_CHIPS).map((identity) => (
            <span class="chip" key={identity}>
              {identity}
            </span>
          ))}
          {customer.identities.length > MOST_CHIPS && <span class="chip">and {count(customer.identities.length - MOST_CHIPS)} more</span>}
          {customer.identities.length === 0 && <span class="chip">Anonymous visitor</span>}
        </p>
        <p class="note">
          First seen {day(customer.firstSeen)}, last seen {day(customer.lastSeen)}
          {customer.profile?.joinDate && `, account since ${day(customer.profile.joinDate)}`}
        </p>
      </header>
      <Worth customer={customer} />
      <div class="pair">
        <TouchCard title="First visit" touch={customer.firstTouch} />
        <TouchCard title="Latest visit" touch={customer.lastTouch} />
      </div>
      {customer.orders.length > 0 && <Orders id={customer.customerId} name={nameOf(customer)} />}
      <Devices customer={customer} />
      <Joined links={customer.links} />
      <Timeline id={customer.customerId} name={nameOf(customer)} />
    </>
  );
}

function Worth({ customer }: { customer: Customer }) {
  return (
    <Tiles>
      {customer.values.map((value) => (
        <Tile
          key={value.currency}
          label={`Net of refunds, ${value.currency}`}
          define="CustomerValue.net"
          now={value.net}
          show={(text) => money(text, value.currency)}
        >
          {count(value.orders)} {value.orders === 1n ? "order" : "orders"}, {money(value.gross, value.currency)} less{" "}
          {money(value.refunds, value.currency)} refunded
        </Tile>
      ))}
      {customer.daysBetweenOrders && (
        <Tile label="Days between orders" define="Customer.days_between_orders" now={customer.daysBetweenOrders} show={decimal} />
      )}
      {customer.rfm && (
        <Tile
          label="RFM"
          define="Customer.rfm"
          now={`${customer.rfm.recency}-${customer.rfm.frequency}-${customer.rfm.money}`}
          show={(text) => text}
        >
          {groupOf(customer.rfm)}: recency, frequency and money{customer.rfm.currency && ` in ${customer.rfm.currency}`}, each from 1 to 5 (the best
          fifth)
        </Tile>
      )}
    </Tiles>
  );
}

function TouchCard({ title, touch }: { title: string; touch: Touch | undefined }) {
  const { zone } = useView();
  if (!touch) return null;
  const facts: [string, string][] = [
    ["When", touch.occurredAt ? moment(timestampDate(touch.occurredAt), zone) : ""],
    ["From", touch.referrer || "Direct"],
    ["Campaign", [touch.campaign, touch.source, touch.medium].filter(Boolean).join(" · ")],
    ["Page", touch.landingPage],
  ];
  return (
    <section class="card">
      <header class="card-head">
        <h2>{title}</h2>
        <Define name={title === "First visit" ? "Customer.first_touch" : "Customer.last_touch"} label={title} />
      </header>
      <dl class="facts">
        {facts
          .filter(([, value]) => value)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
    </section>
  );
}

const EVENT = ["Time", "Event", "Event id", "Tracking id", "Identity", "Sender", "Properties", "Context"];

function Timeline({ id, name }: { id: string; name: string }) {
  const { sandbox } = useView();
  const { params } = useRoute();
  const type = params.get("type") ?? "";
  const page = async (pageToken: string, pageSize: number, ask: typeof asked): Promise<Page<StoredEvent>> => {
    const customer = { by: { case: "customerId" as const, value: id } };
    const types = type ? [type] : [];
    const answer = await ask(ReportService.method.listCustomerEvents, { customer, pageSize, pageToken, sandbox, types });
    return { items: answer.events, next: answer.nextPageToken, total: answer.totalEvents };
  };
  const texts = (event: StoredEvent): string[] => [
    exactTime(event.countedAt),
    event.type,
    event.eventId,
    event.trackingId ?? "",
    event.identity ?? "",
    event.source ?? "",
    JSON.stringify(event.properties ?? {}),
    JSON.stringify(event.context ?? {}),
  ];
  const pages = async function* (): AsyncGenerator<string[][]> {
    for await (const events of everyPage((token) => page(token, EXPORTED_AT_ONCE, call))) yield events.map(texts);
  };
  return (
    <section class="card" aria-labelledby="timeline">
      <header class="card-head">
        <h2 id="timeline">Timeline</h2>
        <Choice
          label="Show"
          name="type"
          standard=""
          choices={[["", "everything"], ...EVENT_TYPES.map((type): [string, string] => [type, words(type)])]}
        />
        <ExportButton disabled={false} run={(told) => savePages(fileName(`timeline of ${name}`, null), EVENT, pages(), told)} />
      </header>
      <Paged
        name={`${id} ${type} ${sandbox}`}
        empty="No such events"
        load={(token) => page(token, PAGE_SIZE, asked)}
      >
        {(events, foot) => (
          <>
            {events.map((event) => (
              <EventLine key={event.eventId} event={event} who={false} />
            ))}
            {foot}
          </>
        )}
      </Paged>
    </section>
  );
}

function Devices({ customer }: { customer: Customer }) {
  const { zone } = useView();
  const at = (time: Timestamp | undefined): string => (time ? moment(timestampDate(time), zone) : "");
  const exact = (time: Timestamp | undefined): string => exactTime(time);
  if (customer.devices.length === 0) return null;
  return (
    <Table
      title="Devices"
      file="devices"
      dated={false}
      rows={customer.devices}
      columns={[
        { label: "Tracking id", text: (device) => device.trackingId, cell: (device) => <code>{device.trackingId}</code> },
        { label: "Browser", text: (device) => device.userAgentFamily, cell: (device) => device.userAgentFamily || "not known" },
        { label: "First seen", text: (device) => exact(device.firstSeen), cell: (device) => at(device.firstSeen) },
        { label: "Last seen", text: (device) => exact(device.lastSeen), cell: (device) => at(device.lastSeen) },
        {
          label: "Joined by",
          text: (device) => device.joinedBy?.eventId ?? "",
          cell: ({ joinedBy }) => (
            <span class="long">
              {joinedBy ? `${joinedBy.kind} of ${joinedBy.identity}, ${at(joinedBy.occurredAt)}` : "Nothing: an anonymous visitor"}
            </span>
          ),
        },
      ]}
    />
  );
}

function Joined({ links }: { links: Link[] }) {
  const { zone } = useView();
  if (links.length === 0) return null;
  return (
    <section class="card" aria-labelledby="joined">
      <header class="card-head">
        <h2 id="joined">Why this is one customer</h2>
      </header>
      <Folded items={links}>
        {(shown) => (
      <ol class="reasons">
        {shown.map((fact) => (
          <li key={`${fact.eventId} ${fact.trackingId}`}>
            <time>{fact.occurredAt && moment(timestampDate(fact.occurredAt), zone)}</time>
            <span>
              {reason(fact)} <small>event {fact.eventId}</small>
            </span>
          </li>
        ))}
      </ol>
        )}
      </Folded>
    </section>
  );
}

function reason(fact: Link): string {
  if (fact.kind === "alias") {
    const old = fact.existingIdentity ?? fact.trackingId;
    return `alias gave ${old ? `“${old}”` : "the customer"} the further identity “${fact.identity}”.`;
  }
  if (fact.kind === "address") return `“${fact.identity}” is another form of the e-mail address “${fact.existingIdentity ?? ""}”.`;
  if (!fact.trackingId) return `identify made “${fact.identity}” known.`;
  if (!fact.owner)
    return `identify named “${fact.identity}” on the device “${fact.trackingId}”, which stays with whom it belonged to before.`;
  return `identify named “${fact.identity}” on the device “${fact.trackingId}”, which joined it with all its past.`;
}
