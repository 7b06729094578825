/** Customers by recency, frequency and money, and who they are. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type GetSegmentReportResponse, type ReportScope, ReportService, type SegmentCustomer, SegmentCustomerOrder, type SegmentRow } from "contract/reports_pb";
import { ask as asked, call, questionName, useAnswer } from "../answers";
import { count } from "../amounts";
import { barColumn } from "../parts/breakdown";
import { amount, share, sortedBy, whole } from "../parts/columns";
import { Controls } from "../parts/controls";
import { useOrdered } from "../parts/ordered";
import { everyPage, following, type Page, Paged } from "../parts/pages";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { changed, link, useRoute } from "../route";
import { exactTime, useView } from "../view";
import { moment } from "../zones";

const PAGE_SIZE = 50;
const EXPORTED_AT_ONCE = 1_000;
const ORDERS: Record<string, SegmentCustomerOrder> = {
  net: SegmentCustomerOrder.NET_OF_REFUNDS,
  orders: SegmentCustomerOrder.ORDERS,
  last: SegmentCustomerOrder.LAST_ORDER,
};

export function Segments() {
  const view = useView();
  const { params } = useRoute();
  const list = params.get("list") ?? "";
  const inCurrency = (scope: ReportScope): ReportScope => (view.currency ? { ...scope, currency: view.currency } : scope);
  const answer = useAnswer(ReportService.method.getSegmentReport, { scope: inCurrency(view.scope) });
  const before = useAnswer(ReportService.method.getSegmentReport, view.previous && { scope: inCurrency(view.over(view.previous)) });
  return (
    <>
      <Controls compared />
      <p class="note">All who ordered before the end of the range are in one of these groups; its begin is not used.</p>
      <Shown answer={answer}>
        {(report) =>
          report.total && report.total.customers > 0n ? (
            <Groups report={report} total={report.total} before={view.previous ? before.value : undefined} />
          ) : (
            <Empty title="Nobody has ordered before the end of this range" />
          )
        }
      </Shown>
      {list && answer.value && <People name={list} scope={inCurrency(view.scope)} currency={answer.value.currency} />}
    </>
  );
}

const MEANINGS: Record<string, string> = {
  best: "order often, much and lately",
  loyal: "order often, and not long ago",
  new: "ordered once, lately",
  promising: "ordered lately, and more than once",
  "needs attention": "ordered some time ago",
  "at risk": "used to order often, and not lately",
  lost: "ordered seldom, and long ago",
};

interface GroupsProps {
  report: GetSegmentReportResponse;
  total: SegmentRow;
  before: GetSegmentReportResponse | undefined;
}

function Groups({ report: { rows, currency }, total, before }: GroupsProps) {
  const { beside } = useView();
  const earlier = (row: SegmentRow): bigint | undefined =>
    row === total ? before?.total?.customers : before?.rows.find(({ segment }) => segment === row.segment)?.customers;
  const compared: Column<SegmentRow>[] = before
    ? [
        {
          label: `Customers, ${beside.toLowerCase()}`,
          text: (row) => `${earlier(row) ?? ""}`,
          cell: (row) => count(earlier(row) ?? 0n),
          number: true,
          by: (row) => earlier(row) ?? 0n,
        },
      ]
    : [];
  return (
    <Table
      title={`Groups of customers, in ${currency}`}
      file={`segments ${currency}`}
      rows={rows}
      total={total}
      columns={[
        {
          label: "Segment",
          text: (row) => row.segment,
          cell: (row) => (
            <>
              <a href={changed({ list: row.segment })}>{row.segment}</a> <small class="also">{MEANINGS[row.segment]}</small>
            </>
          ),
          by: (row) => row.segment,
        },
        barColumn(rows, (row) => row.customers),
        whole<SegmentRow>("Customers", "SegmentRow.customers", (row) => row.customers),
        share<SegmentRow>("Share", "SegmentRow.share", (row) => row.share),
        ...compared,
        whole<SegmentRow>("Orders", "SegmentRow.orders", (row) => row.orders),
        amount<SegmentRow>("Net of refunds", "SegmentRow.net_of_refunds", currency, (row) => row.netOfRefunds),
        amount<SegmentRow>("Value per head", "SegmentRow.value_per_head", currency, (row) => row.valuePerHead),
        {
          label: "What they did",
          drawn: true,
          text: () => "",
          cell: (row) =>
            row !== total && (
              <a href={link("sales", "", { segment: row.segment })} aria-label={`Sales of the segment ${row.segment}`}>
                Sales
              </a>
            ),
        },
      ]}
      foot={<p class="note">Press a name to list its customers.</p>}
    />
  );
}

interface PeopleProps {
  name: string;
  scope: ReportScope;
  currency: string;
}

function People({ name, scope, currency }: PeopleProps) {
  const { zone } = useView();
  const ordered = useOrdered("net");
  const question = (offset: number, limit: number) => ({
    scope,
    list: name,
    limit,
    offset,
    orderBy: ORDERS[ordered.by] ?? SegmentCustomerOrder.NET_OF_REFUNDS,
    ascending: !ordered.down,
  });
  const page = async (token: string, limit: number, by: typeof asked): Promise<Page<SegmentCustomer>> => {
    const offset = Number(token);
    const { customers: items, totalCustomers: total } = await by(ReportService.method.getSegmentReport, question(offset, limit));
    return { items, total, next: following(offset, items.length, total) };
  };
  return (
    <Paged
      name={questionName(ReportService.method.getSegmentReport, question(0, PAGE_SIZE))}
      empty={<p class="note">Nobody is in this group.</p>}
      load={(token) => page(token, PAGE_SIZE, asked)}
    >
      {(people, foot) => (
        <Table
          title={`Customers: ${name}`}
          file={`customers ${name}`}
          rows={people}
          everything={() => everyPage((token) => page(token, EXPORTED_AT_ONCE, call))}
          ordered={ordered}
          foot={foot}
          columns={[
            {
              label: "Customer",
              text: (row) => row.email || row.identity || row.customerId,
              cell: (row) => <a href={link("customers", row.customerId)}>{row.email || row.identity || "Anonymous visitor"}</a>,
            },
            {
              label: "Last order",
              text: (row) => exactTime(row.lastOrderAt),
              cell: (row) => row.lastOrderAt && moment(timestampDate(row.lastOrderAt), zone),
              order: "last",
            },
            sortedBy("orders", whole<SegmentCustomer>("Orders", "SegmentCustomer.orders", (row) => row.orders)),
            sortedBy("net", amount<SegmentCustomer>(`Net of refunds, ${currency}`, "SegmentCustomer.net_of_refunds", currency, (row) => row.netOfRefunds)),
            {
              label: "RFM",
              define: "SegmentCustomer.rfm",
              text: ({ rfm }) => (rfm ? `${rfm.recency}-${rfm.frequency}-${rfm.money}` : ""),
            },
          ]}
        />
      )}
    </Paged>
  );
}
