/** What customers are worth per head, by when they ordered first. */
import { type GetLifetimeReportResponse, type LifetimeRow, type ReportScope, ReportService } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, decimal, money, scaled } from "../amounts";
import { Breakdown } from "../parts/breakdown";
import { amount, whole } from "../parts/columns";
import { Controls, Segments, Tick } from "../parts/controls";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { Trend } from "../parts/trend";
import { useRoute } from "../route";
import { begun, exactTime, intervalOf, rowLabel, useView, type View, ViewContext } from "../view";
import { InPart } from "./sales";

export function Lifetime() {
  const outer = useView();
  const { params } = useRoute();
  // Cohorts are of weeks or months, whatever else the range could be shown in.
  const view: View = { ...outer, interval: params.get("interval") === "week" ? "week" : "month" };
  const ask = (scope: ReportScope) => ({
    scope: view.currency ? { ...scope, currency: view.currency } : scope,
    interval: intervalOf(view.interval),
    includeVisitors: params.get("visitors") === "1",
  });
  const answer = useAnswer(ReportService.method.getLifetimeReport, ask(view.scope));
  const before = useAnswer(ReportService.method.getLifetimeReport, view.previous && ask(view.over(view.previous)));
  const broken = useAnswer(ReportService.method.getLifetimeReport, view.by.length ? ask(view.compared) : null);
  return (
    <ViewContext.Provider value={view}>
      <Controls compared>
        <Segments
          label="Interval"
          name="interval"
          standard="month"
          choices={[
            ["week", "Week"],
            ["month", "Month"],
          ]}
        />
        <Tick label="Include anonymous visitors" name="visitors" />
      </Controls>
      <Shown answer={answer}>
        {(report) =>
          report.total && report.total.customers > 0n ? (
            <Report report={report} total={report.total} before={view.previous ? before.value : undefined} />
          ) : (
            <Empty title="Nobody ordered for the first time in this range">Cohorts are made of first orders: choose a longer range.</Empty>
          )
        }
      </Shown>
      {view.by.length > 0 && (
        <Shown answer={broken} robots={false}>
          {({ rows, total, currency, moreRows }) => (
            <Breakdown
              title="Lifetime"
              file="lifetime"
              rows={rows}
              more={moreRows}
              total={total}
              lead={[cohort(view)]}
              columns={numbers(currency)}
              measure={{ label: "Value per head", value: (row) => row.valuePerHead, show: (text) => money(text, currency) }}
            />
          )}
        </Shown>
      )}
    </ViewContext.Provider>
  );
}

interface ReportProps {
  report: GetLifetimeReportResponse;
  total: LifetimeRow;
  before: GetLifetimeReportResponse | undefined;
}

function Report({ report: { rows, currency }, total, before }: ReportProps) {
  const view = useView();
  const old = before?.total;
  const written = (text: string): string => money(text, currency);
  return (
    <>
      <Tiles>
        <Tile label="New customers" define="LifetimeRow.customers" now={total.customers} before={old?.customers} show={count} />
        <Tile label="Value per head" define="LifetimeRow.value_per_head" now={total.valuePerHead} before={old?.valuePerHead} show={written} />
        <Tile label="Orders per head" define="LifetimeRow.orders_per_head" now={total.ordersPerHead} before={old?.ordersPerHead} show={decimal} />
        <Tile
          label="Bought more than once"
          define="LifetimeRow.repeat_customers"
          now={total.repeatCustomers}
          before={old?.repeatCustomers}
          show={count}
        />
        <Tile label="Net of refunds" define="LifetimeRow.net_of_refunds" now={total.netOfRefunds} before={old?.netOfRefunds} show={written} />
      </Tiles>
      <section class="card">
        <header class="card-head">
          <h2>Value per head</h2>
        </header>
        <Trend
          label="Value per head"
          rows={rows}
          before={before?.rows ?? []}
          value={(row) => Number(row.valuePerHead)}
          words={(row) => `${written(row.valuePerHead)} of ${count(row.customers)} customers`}
        />
        <p class="note">Later cohorts have had less time to order again.</p>
      </section>
      <Table
        title={`Customers by ${view.interval} of the first order, in ${currency}`}
        file={`lifetime ${currency}`}
        rows={begun(rows)}
        total={total}
        foot={<InPart rows={rows} />}
        columns={[cohort(view), ...numbers(currency)]}
      />
    </>
  );
}

function cohort(view: View): Column<LifetimeRow> {
  return {
    label: "First order",
    text: (row) => exactTime(row.start),
    cell: (row) => rowLabel(row.start, view),
    by: (row) => exactTime(row.start),
  };
}

function numbers(currency: string): Column<LifetimeRow>[] {
  return [
    whole("Customers", "LifetimeRow.customers", (row) => row.customers),
    whole("Orders", "LifetimeRow.orders", (row) => row.orders),
    whole("Bought more than once", "LifetimeRow.repeat_customers", (row) => row.repeatCustomers),
    amount("Net of refunds", "LifetimeRow.net_of_refunds", currency, (row) => row.netOfRefunds),
    amount("Value per head", "LifetimeRow.value_per_head", currency, (row) => row.valuePerHead),
    {
      label: "Orders per head",
      define: "LifetimeRow.orders_per_head",
      text: (row) => row.ordersPerHead,
      cell: (row) => decimal(row.ordersPerHead),
      number: true,
      by: (row) => scaled(row.ordersPerHead),
    },
  ];
}
