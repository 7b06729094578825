/** Finds customers as one types; one of them is shown at an address of their own. */
import type { MessageInitShape } from "@bufbuild/protobuf";
import { type Customer, CustomerOrder, type ListCustomersRequestSchema, ReportService } from "contract/reports_pb";
import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { useEffect, useRef, useState } from "preact/hooks";
import { ask, call } from "../answers";
import { count, money } from "../amounts";
import { countryCode, countryName, countryNames } from "../countries";
import { Choice, Entry } from "../parts/controls";
import { Paged } from "../parts/pages";
import { Table } from "../parts/table";
import { change, link, useRoute } from "../route";
import { useView } from "../view";
import { moment, plusDays, startOf, dayOf } from "../zones";
import { Profile } from "./profile";

const PAUSE_MS = 150;
const PAGE_SIZE = 50;
const MOST_PER_PAGE = 1_000;
const ORDERS: Record<string, CustomerOrder> = { "": CustomerOrder.LAST_SEEN, net: CustomerOrder.NET, orders: CustomerOrder.ORDERS };

export function Customers() {
  const { item } = useRoute();
  return item ? <Profile who={item} /> : <Found />;
}

function Found() {
  const { zone, sandbox, currency } = useView();
  const { params } = useRoute();
  const search = params.get("q") ?? "";
  const seen = Number(params.get("seen")) || 0;
  const minOrders = /^\d{1,9}$/.test(params.get("min-orders") ?? "") ? BigInt(params.get("min-orders") ?? "") : undefined;
  const country = countryCode(params.get("country") ?? "") ?? "";
  const request = {
    pageSize: PAGE_SIZE,
    search,
    sandbox,
    orderBy: ORDERS[params.get("sort") ?? ""] ?? CustomerOrder.LAST_SEEN,
    ...(minOrders ? { minOrders } : {}),
    ...(currency ? { currency } : {}),
    ...(country ? { country } : {}),
    ...(seen ? { seenAfter: timestampFromDate(startOf(plusDays(dayOf(new Date(), zone), 1 - seen), zone)) } : {}),
  };
  const filtered = Boolean(minOrders || country || seen);
  const name = JSON.stringify([search, sandbox, request.orderBy, `${minOrders}`, currency, country, seen]);
  return (
    <>
      <div class="controls">
        <Search value={search} />
        <Choice
          label="Sort by"
          name="sort"
          standard=""
          choices={[
            ["", "last seen"],
            ["net", "net"],
            ["orders", "orders"],
          ]}
        />
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
        name={name}
        empty={search ? `No customer found for “${search}”` : filtered ? "No customer fits these filters" : "No identified customers yet"}
        load={async (pageToken) => {
          const page = await ask(ReportService.method.listCustomers, { ...request, pageToken });
          return { items: page.customers, next: page.nextPageToken };
        }}
      >
        {(customers, more) => <List customers={customers} everything={more ? () => all(request) : undefined} />}
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

export function nameOf({ profile, identities, trackingIds, customerId }: Customer): string {
  const name = [profile?.firstName, profile?.lastName].filter(Boolean).join(" ");
  return name || profile?.email || identities[0] || trackingIds[0] || customerId;
}

/** Every customer of the list, page after page. */
async function all(request: MessageInitShape<typeof ListCustomersRequestSchema>): Promise<Customer[]> {
  const found: Customer[] = [];
  let pageToken = "";
  do {
    const page = await call(ReportService.method.listCustomers, { ...request, pageSize: MOST_PER_PAGE, pageToken });
    found.push(...page.customers);
    pageToken = page.nextPageToken;
  } while (pageToken);
  return found;
}

interface ListProps {
  customers: Customer[];
  everything: (() => Promise<Customer[]>) | undefined;
}

function List({ customers, everything }: ListProps) {
  const { zone } = useView();
  const seen = (customer: Customer): Date | undefined => customer.lastSeen && timestampDate(customer.lastSeen);
  const orders = (customer: Customer): bigint => customer.values.reduce((sum, value) => sum + value.orders, 0n);
  return (
    <Table
      title="Customers"
      file="customers"
      dated={false}
      rows={customers}
      {...(everything ? { everything } : {})}
      columns={[
        { label: "Customer", text: nameOf, cell: (customer) => <a href={link("customers", customer.customerId)}>{nameOf(customer)}</a> },
        { label: "E-mail", text: (customer) => customer.profile?.email ?? "" },
        {
          label: "Identities",
          text: (customer) => customer.identities.join(" "),
          cell: (customer) => <span class="long">{customer.identities.join(", ")}</span>,
        },
        {
          label: "Orders",
          text: (customer) => `${orders(customer)}`,
          cell: (customer) => count(orders(customer)),
          number: true,
          define: "CustomerValue.orders",
        },
        {
          label: "Net",
          text: (customer) => customer.values.map((value) => `${value.net} ${value.currency}`).join(" "),
          cell: (customer) => customer.values.map((value) => <div key={value.currency}>{money(value.net, value.currency)}</div>),
          number: true,
          define: "CustomerValue.net",
        },
        {
          label: "Last seen",
          text: (customer) => seen(customer)?.toISOString() ?? "",
          cell: (customer) => {
            const at = seen(customer);
            return at && moment(at, zone);
          },
          define: "Customer.last_seen",
        },
      ]}
    />
  );
}
