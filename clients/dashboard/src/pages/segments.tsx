/** Customers by recency, frequency and money, and who they are. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type GetSegmentReportResponse, type ReportScope, ReportService, type SegmentCustomer, type SegmentRow } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, scaled } from "../amounts";
import { barColumn, FIRST } from "../parts/breakdown";
import { amount, share, whole } from "../parts/columns";
import { Controls } from "../parts/controls";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { changed, link, useRoute } from "../route";
import { exactTime, useView } from "../view";
import { moment } from "../zones";

/** All that the server lists at once: sorting and saving are over these. */
const MOST = 10_000;

export function Segments() {
  const view = useView();
  const { params } = useRoute();
  const list = params.get("list") ?? "";
  const inCurrency = (scope: ReportScope): ReportScope => (view.currency ? { ...scope, currency: view.currency } : scope);
  const answer = useAnswer(ReportService.method.getSegmentReport, { scope: inCurrency(view.scope) });
  const before = useAnswer(ReportService.method.getSegmentReport, view.previous && { scope: inCurrency(view.over(view.previous)) });
  const people = useAnswer(ReportService.method.getSegmentReport, list ? { scope: inCurrency(view.scope), list, limit: MOST } : null);
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
      {list && (
        <Shown answer={people} robots={false}>
          {({ customers, currency, rows }) => (
            <People name={list} people={customers} currency={currency} all={rows.find(({ segment }) => segment === list)?.customers ?? 0n} />
          )}
        </Shown>
      )}
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
  people: SegmentCustomer[];
  currency: string;
  all: bigint;
}

function People({ name, people, currency, all }: PeopleProps) {
  const { zone } = useView();
  return (
    <Table
      title={`Customers: ${name}`}
      file={`customers ${name}`}
      rows={people}
      fold={FIRST}
      empty="Nobody is in this group."
      foot={BigInt(people.length) < all && <p class="note">These are the {count(people.length)} with most net of refunds, of {count(all)}.</p>}
      columns={[
        {
          label: "Customer",
          text: (row) => row.email || row.identity || row.customerId,
          cell: (row) => <a href={link("customers", row.customerId)}>{row.email || row.identity || "Anonymous visitor"}</a>,
          by: (row) => row.email || row.identity,
        },
        {
          label: "Last order",
          text: (row) => exactTime(row.lastOrderAt),
          cell: (row) => row.lastOrderAt && moment(timestampDate(row.lastOrderAt), zone),
          by: (row) => exactTime(row.lastOrderAt),
        },
        whole<SegmentCustomer>("Orders", "SegmentCustomer.orders", (row) => row.orders),
        amount<SegmentCustomer>(`Net of refunds, ${currency}`, "SegmentCustomer.net_of_refunds", currency, (row) => row.netOfRefunds),
        {
          label: "RFM",
          define: "SegmentCustomer.rfm",
          text: ({ rfm }) => (rfm ? `${rfm.recency}-${rfm.frequency}-${rfm.money}` : ""),
          by: ({ rfm }) => scaled(rfm ? `${rfm.recency * 100 + rfm.frequency * 10 + rfm.money}` : "0"),
        },
      ]}
    />
  );
}
