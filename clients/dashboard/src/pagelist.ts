/** Which pages there are, and how they are reached by the keyboard: g, then the letter. */
import { mayCall } from "./session";

export interface PageName {
  name: string;
  title: string;
  group: string;
  letter: string;
  /** What it is for, in one sentence. */
  purpose: string;
  /** The call that it is made of: whose role may not make it, does not see the page. */
  call: string;
}

/** What pages are made of that are no report. */
const CALLS: Record<string, string> = {
  customers: "ReportService/ListCustomers",
  live: "ReportService/TailEvents",
  quarantine: "AdminService/ListQuarantine",
  install: "AdminService/CreateKey",
  import: "AdminService/CreateKey",
  definitions: "AdminService/GetProject",
};

const page = (group: string, letter: string, name: string, title: string, purpose: string): PageName => ({
  name,
  title,
  group,
  letter,
  purpose,
  call: CALLS[name] ?? "ReportService/GetSalesReport",
});

const ALL: PageName[] = [
  page("", "o", "overview", "Overview", "How the shop does, at a glance."),
  page("", "c", "customers", "Customers", "Find a person by name, e-mail, order or parcel, and see all that they did."),
  page("Sales", "s", "sales", "Sales", "What was sold, given back, charged and earned, interval by interval."),
  page("Sales", "p", "products", "Products", "What each product is looked at, ordered and given back."),
  page("Sales", "k", "coupons", "Coupons", "What each code is used for, and what it costs."),
  page("Sales", "a", "carts", "Carts", "Which carts were ordered, and which were left with something in them."),
  page("Sales", "u", "fulfilment", "Fulfilment", "How long parcels take, and how many come late."),
  page("Visits", "t", "traffic", "Traffic", "How many people come, and from where."),
  page("Visits", "v", "conversion", "Conversion", "What becomes of visits: carts, checkouts and orders."),
  page("Visits", "f", "funnel", "Funnel", "How many customers go from step to step, and where they stop."),
  page("Visits", "e", "searches", "Searches", "What people look for in the shop, what they do not find, and what they buy then."),
  page("Over the years", "m", "segments", "Segments", "Who the best customers are, and who is about to leave."),
  page("Over the years", "r", "retention", "Retention", "How many customers order again, by when they ordered first."),
  page("Over the years", "w", "lifetime", "Lifetime", "What a customer is worth per head, by when they ordered first."),
  page("Events", "l", "live", "Live", "Events as they arrive."),
  page("Events", "q", "quarantine", "Quarantine", "Events that were refused, why, and how to repair them."),
  page("Events", "i", "install", "Install", "How the shop’s pages and backends send events."),
  page("Events", "b", "import", "Import", "Bring the shop’s past, from what other systems export."),
  page("Events", "d", "definitions", "Definitions", "What each number means."),
];

/** Those that whoever looks may open. */
export function pages(): PageName[] {
  return ALL.filter(({ call }) => mayCall(call));
}
