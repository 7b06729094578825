/** Sales per interval, exact. */
import { type Timestamp } from "@bufbuild/protobuf/wkt";
import { ReportService, type SalesReport, type SalesRow } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, decimal, money, percent, scaled } from "../amounts";
import { Breakdown } from "../parts/breakdown";
import { Controls, Segments } from "../parts/controls";
import type { Defined } from "../parts/define";
import { Explain } from "../parts/explain";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { Trend } from "../parts/trend";
import { fitting, type IntervalName, intervalsOf } from "../ranges";
import { useRoute } from "../route";
import { begun, blockOf, exactTime, intervalLabel, intervalOf, isPartial, rowLabel, useView, type View } from "../view";

type Amount = "netSales" | "totalSales" | "refunds" | "averageOrder";

const MEASURES: [name: string, label: string, value: (row: SalesRow) => string | bigint][] = [
  ["net", "Net sales", (row) => row.netSales],
  ["total", "Total sales", (row) => row.totalSales],
  ["orders", "Orders", (row) => row.orders],
  ["average", "Average order", (row) => row.averageOrder],
];

export function Sales() {
  const view = useView();
  const ask = (scope: typeof view.scope) => ({ scope, interval: intervalOf(view.interval) });
  const answer = useAnswer(ReportService.method.getSalesReport, ask(view.scope));
  const before = useAnswer(ReportService.method.getSalesReport, view.previous && ask(view.over(view.previous)));
  return (
    <>
      <Controls compared>
        <Intervals />
      </Controls>
      <Shown answer={answer}>
        {({ reports }) => {
          const block = blockOf(reports, view);
          if (!block?.total || (block.total.orders === 0n && scaled(block.total.refunds) === 0n)) {
            return (
              <Empty title={`No sales${view.currency ? ` in ${view.currency}` : ""} in this range`}>
                An order counts at its order date, or else when it happened.
              </Empty>
            );
          }
          return (
            <Report
              block={block}
              total={block.total}
              before={view.previous ? before.value && blockOf(before.value.reports, view) : undefined}
            />
          );
        }}
      </Shown>
    </>
  );
}

/** Hours, days, weeks or months; what fits the range unless chosen. */
export function Intervals() {
  const { range } = useView();
  return (
    <Segments
      label="Interval"
      name="interval"
      standard={fitting(range)}
      choices={intervalsOf(range).map((name) => [name, LABELS[name]])}
    />
  );
}

const LABELS: Record<IntervalName, string> = { hour: "Hour", day: "Day", week: "Week", month: "Month" };

function Report({ block, total, before }: { block: SalesReport; total: SalesRow; before: SalesReport | undefined }) {
  const view = useView();
  const { params } = useRoute();
  const chosen = MEASURES.find(([name]) => name === params.get("measure")) ?? (MEASURES[0] as (typeof MEASURES)[0]);
  const [, label, value] = chosen;
  const write = (text: string): string => money(text, block.currency);
  const words = (row: SalesRow): string => {
    const exact = value(row);
    return typeof exact === "bigint" ? count(exact) : write(exact);
  };
  const old = before?.total;
  const tile = (label: string, define: Defined, name: Amount, falling = false) => (
    <Tile
      label={label}
      define={define}
      now={total[name]}
      before={old?.[name]}
      show={write}
      explain={total.explain}
      falling={falling}
    />
  );
  return (
    <>
      <Tiles>
        {tile("Net sales", "SalesRow.net_sales", "netSales")}
        {tile("Total sales", "SalesRow.total_sales", "totalSales")}
        {tile("Refunds", "SalesRow.refunds", "refunds", true)}
        <Tile label="Orders" define="SalesRow.orders" now={total.orders} before={old?.orders} show={count} explain={total.explain}>
          {count(total.units)} units
        </Tile>
        {tile("Average order", "SalesRow.average_order", "averageOrder")}
        <Tile
          label="Customers"
          define="SalesRow.customers"
          now={total.customers}
          before={old?.customers}
          show={count}
          explain={total.explain}
        >
          {count(total.knownCustomers)} known, of whom {count(total.repeatCustomers)} bought more than once; {count(total.newCustomers)} new
          {total.guestOrders > 0n && `; ${count(total.guestOrders)} guest ${total.guestOrders === 1n ? "order" : "orders"}`}
        </Tile>
      </Tiles>
      <section class="card">
        <header class="card-head">
          <h2>{label}</h2>
          <Segments label="Measure" name="measure" standard="net" choices={MEASURES.map(([name, each]) => [name, each])} />
        </header>
        <Trend
          label={label}
          rows={block.rows}
          before={before?.rows ?? []}
          value={(row) => Number(value(row))}
          whole={chosen[0] === "orders"}
          words={words}
        />
      </section>
      {view.by.length > 0 && <ByDimension />}
      <Table
        title={`Sales in ${block.currency}`}
        file={`sales ${block.currency}`}
        rows={begun(block.rows)}
        total={total}
        columns={columns(block.currency, view)}
        foot={<InPart rows={block.rows} />}
      />
    </>
  );
}

/** The whole range by the values of the dimensions. */
function ByDimension() {
  const view = useView();
  const answer = useAnswer(ReportService.method.getSalesReport, { scope: view.compared });
  return (
    <Shown answer={answer} robots={false}>
      {({ reports }) => {
        const block = blockOf(reports, view);
        return (
          block && (
            <Breakdown
              title={`Sales in ${block.currency}`}
              file={`sales ${block.currency}`}
              rows={block.rows}
              more={block.moreRows}
              total={block.total}
              columns={columns(block.currency, view).slice(1)}
              measure={{ label: "Net sales", value: (row) => row.netSales, show: (text) => money(text, block.currency) }}
            />
          )
        );
      }}
    </Shown>
  );
}

/** What the mark behind a date means, where there is one. */
export function InPart({ rows }: { rows: { start?: Timestamp }[] }) {
  const view = useView();
  if (!begun(rows).some(({ start }) => isPartial(start, view.interval, view))) return null;
  return <p class="note">* This {view.interval} is not over, or the range has only a part of it.</p>;
}

/** How much was ordered, where pieces are not the measure. */
export function quantity<Row>(define: Defined, value: (row: Row) => string): Column<Row> {
  return { label: "Quantity", define, text: value, cell: (row) => decimal(value(row)), number: true, by: (row) => scaled(value(row)) };
}

function columns(currency: string, view: View): Column<SalesRow>[] {
  const name = (row: SalesRow): string => intervalLabel(row.start, view.interval, view.zone);
  const whole = (label: string, define: Defined, value: (row: SalesRow) => bigint): Column<SalesRow> => ({
    label,
    define,
    text: (row) => `${value(row)}`,
    cell: (row) => count(value(row)),
    number: true,
    by: value,
  });
  const amount = (label: string, define: Defined, value: (row: SalesRow) => string): Column<SalesRow> => ({
    label,
    define,
    text: value,
    cell: (row) => money(value(row), currency),
    number: true,
    by: (row) => scaled(value(row)),
  });
  return [
    {
      label: "Date",
      text: (row) => exactTime(row.start),
      cell: (row) => (
        <Explain token={row.explain} of={`Sales, ${name(row)}`}>
          {rowLabel(row.start, view)}
        </Explain>
      ),
    },
    whole("Orders", "SalesRow.orders", (row) => row.orders),
    whole("Units", "SalesRow.units", (row) => row.units),
    quantity("SalesRow.quantity", (row) => row.quantity),
    amount("Gross sales", "SalesRow.gross_sales", (row) => row.grossSales),
    amount("Discounts", "SalesRow.discounts", (row) => row.discounts),
    amount("Returns", "SalesRow.returns", (row) => row.returns),
    amount("Net sales", "SalesRow.net_sales", (row) => row.netSales),
    amount("Shipping", "SalesRow.shipping", (row) => row.shipping),
    amount("Tax", "SalesRow.tax", (row) => row.tax),
    amount("Total sales", "SalesRow.total_sales", (row) => row.totalSales),
    amount("Refunds", "SalesRow.refunds", (row) => row.refunds),
    amount("Tax refunds", "SalesRow.tax_refunds", (row) => row.taxRefunds),
    amount("Shipping refunds", "SalesRow.shipping_refunds", (row) => row.shippingRefunds),
    amount("Net of refunds", "SalesRow.net_of_refunds", (row) => row.netOfRefunds),
    amount("Average order", "SalesRow.average_order", (row) => row.averageOrder),
    amount("Cost", "SalesRow.cost", (row) => row.cost),
    amount("Margin", "SalesRow.margin", (row) => row.margin),
    amount("Net margin", "SalesRow.net_margin", (row) => row.netMargin),
    {
      label: "Cost known",
      define: "SalesRow.cost_known",
      text: (row) => row.costKnown,
      cell: (row) => percent(row.costKnown),
      number: true,
      by: (row) => scaled(row.costKnown),
    },
    whole("Customers", "SalesRow.customers", (row) => row.customers),
    whole("New", "SalesRow.new_customers", (row) => row.newCustomers),
    whole("Bought more than once", "SalesRow.repeat_customers", (row) => row.repeatCustomers),
    whole("Guest orders", "SalesRow.guest_orders", (row) => row.guestOrders),
  ];
}
