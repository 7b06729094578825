/** Finds customers as one types; one of them is shown at an address of their own. */
import { type Customer, CustomerOrder, ReportService } from "contract/reports_pb";
import { type Timestamp, timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask as asked, call, questionName } from "../answers";
import { count, money } from "../amounts";
import { countryCode, countryName, countryNames } from "../countries";
import { Choice, CurrencyPicker, Entry } from "../parts/controls";
import { nameOf } from "../names";
import { useOrdered } from "../parts/ordered";
import { everyPage, type Page, Paged } from "../parts/pages";
import { type Column, Table } from "../parts/table";
import { groupOf } from "../rfm";
import { change, link, useRoute } from "../route";
import { exactTime, useView } from "../view";
import { moment, plusDays, startOf, dayOf } from "../zones";
import { Profile } from "./profile";

const PAUSE_MS = 150;
const PAGE_SIZE = 50;
const EXPORTED_AT_ONCE = 1_000;
const ORDERS: Record<string, CustomerOrder> = {
  seen: CustomerOrder.LAST_SEEN,
  net: CustomerOrder.NET,
  orders: CustomerOrder.ORDERS,
  ordered: CustomerOrder.LAST_ORDER,
  rfm: CustomerOrder.RFM,
};

export function Customers() {
  const { item } = useRoute();
  return item ? <Profile who={item} /> : <Found />;
}

function Found() {
  const { zone, sandbox, currency, home } = useView();
  const { params } = useRoute();
  const search = params.get("q") ?? "";
  const seen = Number(params.get("seen")) || 0;
  const minOrders = /^\d{1,9}$/.test(params.get("min-orders") ?? "") ? BigInt(params.get("min-orders") ?? "") : undefined;
  const country = countryCode(params.get("country") ?? "") ?? "";
  const ordered = useOrdered("seen");
  const request = {
    search,
    sandbox,
    orderBy: ORDERS[ordered.by] ?? CustomerOrder.LAST_SEEN,
    ascending: !ordered.down,
    ...(minOrders ? { minOrders } : {}),
    ...(currency ? { currency } : {}),
    ...(country ? { country } : {}),
    ...(seen ? { seenAfter: timestampFromDate(startOf(plusDays(dayOf(new Date(), zone), 1 - seen), zone)) } : {}),
  };
  const filtered = Boolean(minOrders || country || seen);
  const page = async (pageToken: string, pageSize: number, ask: typeof asked): Promise<Page<Customer>> => {
    const answer = await ask(ReportService.method.listCustomers, { ...request, pageSize, pageToken });
    return { items: answer.customers, next: answer.nextPageToken, total: answer.totalCustomers };
  };
  return (
    <>
      <div class="controls">
        <Search value={search} />
        <CurrencyPicker />
        <Choice
          label="Seen"
          name="seen"
          standard=""
          choices={[
            ["", "at any time"],
            ["1", "today"],
            ["7", "in 7 days"],
            ["30", "in 30 days"],
            ["90", "in 90 days"],
          ]}
        />
        <Choice
          label="Orders"
          name="min-orders"
          standard=""
          choices={[
            ["", "any number"],
            ["1", "at least 1"],
            ["2", "at least 2"],
            ["5", "at least 5"],
            ["10", "at least 10"],
          ]}
        />
        <Entry
          label="Country"
          name="country"
          placeholder="name or code"
          suggestions={countryNames()}
          understood={countryCode}
          otherwise="No country is called so: type its name, such as Germany, or its code, DE or DEU."
          shown={countryName}
        />
      </div>
      <Paged
        name={questionName(ReportService.method.listCustomers, request)}
        empty={search ? `No customer found for “${search}”` : filtered ? "No customer fits these filters" : "No identified customers yet"}
        load={(token) => page(token, PAGE_SIZE, asked)}
      >
        {(customers, foot) => (
          <Table
            title="Customers"
            file={`customers${search ? ` found for ${search}` : ""}`}
            dated={false}
            rows={customers}
            everything={() => everyPage((token) => page(token, EXPORTED_AT_ONCE, call))}
            ordered={ordered}
            foot={foot}
            columns={columns(currency || home, zone)}
          />
        )}
      </Paged>
      {search && (
        <p class="note">
          Looking for a visitor whom nobody has named? <a href={link("customers", search)}>Look up “{search}” as an id</a>
        </p>
      )}
    </>
  );
}

function Search({ value }: { value: string }) {
  const [typed, setTyped] = useState(value);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus(), []);
  useEffect(() => {
    if (typed.trim() === value) return;
    const timer = setTimeout(() => change({ q: typed.trim() || null }, "replace"), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [typed]);
  useEffect(() => {
    if (value !== typed.trim()) setTyped(value);
  }, [value]);
  return (
    <label class="field search">
      <span>Search</span>
      <input
        ref={field}
        type="search"
        value={typed}
        maxLength={200}
        placeholder="name, e-mail, identity, order or parcel number"
        autocomplete="off"
        spellcheck={false}
        onInput={(event) => setTyped(event.currentTarget.value)}
      />
    </label>
  );
}

function columns(currency: string, zone: string): Column<Customer>[] {
  const exact = (at: Timestamp | undefined): string => exactTime(at);
  const shown = (at: Timestamp | undefined): string => (at ? moment(timestampDate(at), zone) : "");
  const orders = (customer: Customer): bigint => customer.values.reduce((sum, value) => sum + value.orders, 0n);
  const net = (customer: Customer): string => customer.values.find((value) => value.currency === currency)?.net ?? "0";
  const others = (customer: Customer) => customer.values.filter((value) => value.currency !== currency);
  const rfm = ({ rfm: of }: Customer): string => (of ? `${of.recency}-${of.frequency}-${of.money}` : "");
  return [
    { label: "Customer", text: nameOf, cell: (customer) => <a href={link("customers", customer.customerId)}>{nameOf(customer)}</a> },
    {
      label: "Orders",
      text: (customer) => `${orders(customer)}`,
      cell: (customer) => count(orders(customer)),
      number: true,
      order: "orders",
      define: "CustomerValue.orders",
    },
    {
      label: `Net of refunds, ${currency}`,
      text: net,
      cell: (customer) => (
        <>
          {money(net(customer), currency)}
          {others(customer).length > 0 && <small class="also">and {others(customer).map((value) => money(value.net, value.currency)).join(", ")}</small>}
        </>
      ),
      number: true,
      order: "net",
      define: "CustomerValue.net",
    },
    {
      label: "RFM",
      text: rfm,
      cell: (customer) => customer.rfm && <span title={groupOf(customer.rfm)}>{rfm(customer)} <small>{groupOf(customer.rfm)}</small></span>,
      order: "rfm",
      define: "Customer.rfm",
    },
    { label: "Last order", text: ({ lastOrderAt }) => exact(lastOrderAt), cell: ({ lastOrderAt }) => shown(lastOrderAt), order: "ordered", define: "Customer.last_order_at" },
    { label: "Country", text: ({ country }) => country, cell: ({ country }) => country && countryName(country), define: "Customer.country" },
    { label: "Last seen", text: ({ lastSeen }) => exact(lastSeen), cell: ({ lastSeen }) => shown(lastSeen), order: "seen", define: "Customer.last_seen" },
    { label: "E-mail", text: (customer) => customer.profile?.email ?? "" },
    {
      label: "Identities",
      text: (customer) => customer.identities.join(" "),
      cell: (customer) => <span class="long">{customer.identities.join(", ")}</span>,
    },
  ];
}
