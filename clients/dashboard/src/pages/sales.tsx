/** Sales per interval, exact. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { ReportService, type SalesReport, type SalesRow } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, money, scaled } from "../amounts";
import { Controls, Segments } from "../parts/controls";
import type { Defined } from "../parts/define";
import { Explain } from "../parts/explain";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { Trend } from "../parts/trend";
import { fitting, type IntervalName, intervalsOf } from "../ranges";
import { useRoute } from "../route";
import { begun, blockOf, intervalLabel, intervalOf, useView, type View } from "../view";

type Amount = "net" | "gross" | "refunds" | "discounts" | "tax" | "shipping" | "averageOrder" | "cost" | "margin";

const MEASURES: [Amount, string][] = [
  ["net", "Net"],
  ["gross", "Gross"],
  ["averageOrder", "Average order"],
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
  const chosen = MEASURES.find(([name]) => name === params.get("measure")) ?? (["net", "Net"] as const);
  const write = (text: string): string => money(text, block.currency);
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
        {tile("Net", "SalesRow.net", "net")}
        {tile("Gross", "SalesRow.gross", "gross")}
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
          {count(total.newCustomers)} new, {count(total.returningCustomers)} returning
        </Tile>
      </Tiles>
      <section class="card">
        <header class="card-head">
          <h2>{chosen[1]}</h2>
          <Segments label="Measure" name="measure" standard="net" choices={MEASURES} />
        </header>
        <Trend
          label={chosen[1]}
          rows={block.rows}
          before={before?.rows ?? []}
          value={(row) => Number(row[chosen[0]])}
          words={(row) => write(row[chosen[0]])}
        />
      </section>
      <Table
        title={`Sales in ${block.currency}`}
        file={`sales ${block.currency}`}
        rows={begun(block.rows)}
        total={total}
        columns={columns(block.currency, view)}
      />
    </>
  );
}

function columns(currency: string, { interval, zone }: View): Column<SalesRow>[] {
  const name = (row: SalesRow): string => intervalLabel(row.start, interval, zone);
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
      text: (row) => (row.start ? timestampDate(row.start).toISOString() : ""),
      cell: (row) => (
        <Explain token={row.explain} of={`Sales, ${name(row)}`}>
          {name(row)}
        </Explain>
      ),
    },
    whole("Orders", "SalesRow.orders", (row) => row.orders),
    whole("Units", "SalesRow.units", (row) => row.units),
    amount("Gross", "SalesRow.gross", (row) => row.gross),
    amount("Refunds", "SalesRow.refunds", (row) => row.refunds),
    amount("Net", "SalesRow.net", (row) => row.net),
    amount("Average order", "SalesRow.average_order", (row) => row.averageOrder),
    amount("Discounts", "SalesRow.discounts", (row) => row.discounts),
    amount("Tax", "SalesRow.tax", (row) => row.tax),
    amount("Shipping", "SalesRow.shipping", (row) => row.shipping),
    amount("Cost", "SalesRow.cost", (row) => row.cost),
    amount("Margin", "SalesRow.margin", (row) => row.margin),
    whole("Customers", "SalesRow.customers", (row) => row.customers),
    whole("New", "SalesRow.new_customers", (row) => row.newCustomers),
    whole("Returning", "SalesRow.returning_customers", (row) => row.returningCustomers),
  ];
}
