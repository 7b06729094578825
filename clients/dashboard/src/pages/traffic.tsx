/** Page views, visitors and sessions, where they come from and what they buy. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type GetTrafficReportResponse, ReportService, type TrafficRow, type TrafficSource } from "contract/reports_pb";
import { ask as asked, useAnswer } from "../answers";
import { count, money, scaled } from "../amounts";
import { Controls, Segments } from "../parts/controls";
import { Explain } from "../parts/explain";
import { useHours } from "../parts/hours";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { Trend } from "../parts/trend";
import { useRoute } from "../route";
import { intervalLabel, intervalOf, useView } from "../view";
import { Intervals } from "./sales";

type Measure = "visitors" | "sessions" | "pageViews";

const MEASURES: [Measure, string][] = [
  ["visitors", "Visitors"],
  ["sessions", "Sessions"],
  ["pageViews", "Page views"],
];

export function Traffic() {
  const view = useView();
  // Revenue here is of one currency, so this report is told which.
  const ask = (scope: typeof view.scope) => ({
    scope: view.currency ? { ...scope, currency: view.currency } : scope,
    interval: intervalOf(view.interval),
  });
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

function Report({
  report,
  total,
  before,
}: {
  report: GetTrafficReportResponse;
  total: TrafficRow;
  before: GetTrafficReportResponse | undefined;
}) {
  const { currency, home, zone, interval } = useView();
  const { params } = useRoute();
  const [measure, name] = MEASURES.find(([each]) => each === params.get("measure")) ?? (MEASURES[0] as (typeof MEASURES)[0]);
  const old = before?.total;
  const hours = useHours("traffic", async (scope) => (await asked(ReportService.method.getTrafficReport, { scope, limit: 1 })).total);
  const tile = (label: string, define: "TrafficRow.visitors" | "TrafficRow.sessions" | "TrafficRow.page_views", each: Measure) => (
    <Tile label={label} define={define} now={total[each]} before={old?.[each]} show={count} explain={total.explain} />
  );
  const unit = currency || home;
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
          hours={hours}
          value={(row) => Number(row[measure])}
          words={(row) => count(row[measure])}
        />
      </section>
      <Table
        title="Where sessions come from"
        file="referrers"
        rows={report.referrers}
        columns={sources("Referrer", "Direct", unit)}
        empty="No sessions."
      />
      <Table
        title="Campaigns"
        file="campaigns"
        rows={report.campaigns}
        columns={sources("Campaign", "No campaign", unit)}
        empty="No sessions."
      />
      <Table
        title="Landing pages"
        file="landing pages"
        rows={report.landingPages}
        columns={sources("Page", "not known", unit)}
        empty="No sessions."
      />
      <Table
        title="Over time"
        file="traffic"
        rows={report.rows}
        total={total}
        columns={[
          {
            label: "Date",
            text: (row) => (row.start ? timestampDate(row.start).toISOString() : ""),
            cell: (row) => (
              <Explain token={row.explain} of={`Page views, ${intervalLabel(row.start, interval, zone)}`}>
                {intervalLabel(row.start, interval, zone)}
              </Explain>
            ),
          },
          ...MEASURES.map(([each, label]): Column<TrafficRow> => ({
            label,
            text: (row) => `${row[each]}`,
            cell: (row) => count(row[each]),
            number: true,
            by: (row) => row[each],
          })),
        ]}
      />
    </>
  );
}

function sources(label: string, none: string, currency: string): Column<TrafficSource>[] {
  return [
    {
      label,
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
      by: (row) => row.sessions,
      define: "TrafficSource.sessions",
    },
    {
      label: "Visitors",
      text: (row) => `${row.visitors}`,
      cell: (row) => count(row.visitors),
      number: true,
      by: (row) => row.visitors,
      define: "TrafficSource.visitors",
    },
    {
      label: "First-touch revenue",
      text: (row) => row.firstTouchRevenue,
      cell: (row) => money(row.firstTouchRevenue, currency),
      number: true,
      by: (row) => scaled(row.firstTouchRevenue),
      define: "TrafficSource.first_touch_revenue",
    },
    {
      label: "Last-touch revenue",
      text: (row) => row.lastTouchRevenue,
      cell: (row) => money(row.lastTouchRevenue, currency),
      number: true,
      by: (row) => scaled(row.lastTouchRevenue),
      define: "TrafficSource.last_touch_revenue",
    },
  ];
}
