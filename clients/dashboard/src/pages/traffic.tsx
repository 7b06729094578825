/** Page views, visitors and sessions, where they come from and what they buy. */
import {
  type GetTrafficReportResponse,
  type ReportScope,
  ReportService,
  TrafficOrder,
  type TrafficRow,
  type TrafficSource,
} from "contract/reports_pb";
import { ask as asked, call, questionName, useAnswer } from "../answers";
import { count, money } from "../amounts";
import { Breakdown } from "../parts/breakdown";
import { Controls, Segments } from "../parts/controls";
import { Explain } from "../parts/explain";
import { useOrdered } from "../parts/ordered";
import { everyPage, following, type Page, Paged } from "../parts/pages";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { Trend } from "../parts/trend";
import { useRoute } from "../route";
import { begun, exactTime, intervalLabel, intervalOf, rowLabel, useView, type View } from "../view";
import { InPart, Intervals } from "./sales";

type Measure = "visitors" | "sessions" | "pageViews";

const MEASURES: [Measure, string][] = [
  ["visitors", "Visitors"],
  ["sessions", "Sessions"],
  ["pageViews", "Page views"],
];

export function Traffic() {
  const view = useView();
  const ask = (scope: ReportScope) => trafficQuestion(view, scope);
  const answer = useAnswer(ReportService.method.getTrafficReport, ask(view.scope));
  const before = useAnswer(ReportService.method.getTrafficReport, view.previous && ask(view.over(view.previous)));
  return (
    <>
      <Controls compared>
        <Intervals />
      </Controls>
      <Shown answer={answer}>
        {(report) =>
          report.total && report.total.pageViews > 0n ? (
            <Report report={report} total={report.total} before={view.previous ? before.value : undefined} />
          ) : (
            <Empty title="No page views in this range">The tag sends them by itself once it is in the shop’s pages.</Empty>
          )
        }
      </Shown>
    </>
  );
}

/** The whole range by the values of the dimensions. */
function ByDimension() {
  const view = useView();
  const answer = useAnswer(ReportService.method.getTrafficReport, { scope: view.compared, limit: 1 });
  return (
    <Shown answer={answer} robots={false}>
      {({ rows, total }) => (
        <Breakdown
          title="Traffic"
          file="traffic"
          rows={rows}
          total={total}
          columns={MEASURES.map(numbers)}
          measure={{ label: "Sessions", value: (row) => row.sessions, show: (text) => count(BigInt(text)) }}
        />
      )}
    </Shown>
  );
}

function numbers([each, label]: [Measure, string]): Column<TrafficRow> {
  return { label, text: (row) => `${row[each]}`, cell: (row) => count(row[each]), number: true, by: (row) => row[each] };
}

function Report({
  report,
  total,
  before,
}: {
  report: GetTrafficReportResponse;
  total: TrafficRow;
  before: GetTrafficReportResponse | undefined;
}) {
  const view = useView();
  const { zone, interval } = view;
  const { params } = useRoute();
  const [measure, name] = MEASURES.find(([each]) => each === params.get("measure")) ?? (MEASURES[0] as (typeof MEASURES)[0]);
  const old = before?.total;
  const tile = (label: string, define: "TrafficRow.visitors" | "TrafficRow.sessions" | "TrafficRow.page_views", each: Measure) => (
    <Tile label={label} define={define} now={total[each]} before={old?.[each]} show={count} explain={total.explain} />
  );
  return (
    <>
      <Tiles>
        {tile("Visitors", "TrafficRow.visitors", "visitors")}
        {tile("Sessions", "TrafficRow.sessions", "sessions")}
        {tile("Page views", "TrafficRow.page_views", "pageViews")}
      </Tiles>
      <section class="card">
        <header class="card-head">
          <h2>{name}</h2>
          <Segments label="Measure" name="measure" standard="visitors" choices={MEASURES} />
        </header>
        <Trend
          label={name}
          rows={report.rows}
          before={before?.rows ?? []}
          value={(row) => Number(row[measure])}
          whole
          words={(row) => count(row[measure])}
        />
      </section>
      {view.by.length > 0 && <ByDimension />}
      <Ways way="referrers" title="Where sessions come from" label="Referrer" none="Direct" />
      <Ways way="campaigns" title="Campaigns" label="Campaign" none="No campaign" />
      <Ways way="landingPages" title="Landing pages" label="Page" none="not known" />
      <Table
        title="Over time"
        file="traffic"
        rows={begun(report.rows)}
        foot={<InPart rows={report.rows} />}
        total={total}
        columns={[
          {
            label: "Date",
            text: (row) => exactTime(row.start),
            cell: (row) => (
              <Explain token={row.explain} of={`Page views, ${intervalLabel(row.start, interval, zone)}`}>
                {rowLabel(row.start, view)}
              </Explain>
            ),
          },
          ...MEASURES.map(numbers),
        ]}
      />
    </>
  );
}

type Way = "referrers" | "campaigns" | "landingPages";

const PAGE_SIZE = 50;
const EXPORTED_AT_ONCE = 1_000;
const TOTALS = { referrers: "totalReferrers", campaigns: "totalCampaigns", landingPages: "totalLandingPages" } as const;
const ORDERS: Record<string, TrafficOrder> = {
  sessions: TrafficOrder.SESSIONS,
  visitors: TrafficOrder.VISITORS,
  first: TrafficOrder.FIRST_TOUCH_REVENUE,
  last: TrafficOrder.LAST_TOUCH_REVENUE,
  value: TrafficOrder.VALUE,
};

/** One of the lists of how sessions came, which the server sorts and cuts into pages. */
function Ways({ way, title, label, none }: { way: Way; title: string; label: string; none: string }) {
  const view = useView();
  const ordered = useOrdered("sessions", `sort-${way.toLowerCase()}`);
  const question = (offset: number, limit: number) => ({
    ...trafficQuestion(view, view.scope),
    offset,
    // What the page has asked for anyway is not asked for again.
    limit: offset === 0 && limit === PAGE_SIZE ? 0 : limit,
    orderBy: ordered.by === "sessions" && ordered.down ? TrafficOrder.UNSPECIFIED : (ORDERS[ordered.by] ?? TrafficOrder.SESSIONS),
    ascending: !ordered.down,
  });
  const page = async (token: string, limit: number, ask: typeof asked): Promise<Page<TrafficSource>> => {
    const offset = Number(token);
    const answer = await ask(ReportService.method.getTrafficReport, question(offset, limit));
    const items = answer[way];
    const total = answer[TOTALS[way]];
    return { items, total, next: following(offset, items.length, total) };
  };
  return (
    <Paged
      name={questionName(ReportService.method.getTrafficReport, question(0, PAGE_SIZE))}
      empty="No sessions"
      load={(token) => page(token, PAGE_SIZE, asked)}
    >
      {(rows, foot) => (
        <Table
          title={title}
          file={way === "landingPages" ? "landing pages" : way}
          rows={rows}
          everything={() => everyPage((token) => page(token, EXPORTED_AT_ONCE, call))}
          ordered={ordered}
          foot={foot}
          columns={sources(label, none, view.currency || view.home)}
        />
      )}
    </Paged>
  );
}

/** Revenue here is of one currency, so this report is told which. */
function trafficQuestion(view: View, scope: ReportScope) {
  return { scope: view.currency ? { ...scope, currency: view.currency } : scope, interval: intervalOf(view.interval) };
}

function sources(label: string, none: string, currency: string): Column<TrafficSource>[] {
  return [
    {
      label,
      order: "value",
      text: (row) => row.value,
      cell: (row) => (
        <Explain token={row.explain} of={`Sessions, ${label.toLowerCase()} ${row.value || none}`}>
          <span class="long">{row.value || <i>{none}</i>}</span>
        </Explain>
      ),
    },
    {
      label: "Sessions",
      text: (row) => `${row.sessions}`,
      cell: (row) => count(row.sessions),
      number: true,
      order: "sessions",
      define: "TrafficSource.sessions",
    },
    {
      label: "Visitors",
      text: (row) => `${row.visitors}`,
      cell: (row) => count(row.visitors),
      number: true,
      order: "visitors",
      define: "TrafficSource.visitors",
    },
    {
      label: "First-touch revenue",
      text: (row) => row.firstTouchRevenue,
      cell: (row) => money(row.firstTouchRevenue, currency),
      number: true,
      order: "first",
      define: "TrafficSource.first_touch_revenue",
    },
    {
      label: "Last-touch revenue",
      text: (row) => row.lastTouchRevenue,
      cell: (row) => money(row.lastTouchRevenue, currency),
      number: true,
      order: "last",
      define: "TrafficSource.last_touch_revenue",
    },
  ];
}
