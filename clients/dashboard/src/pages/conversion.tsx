/** What becomes of visits: carts, checkouts, orders, rates and value per visit. */
import { type ConversionRow, type GetConversionReportResponse, type ReportScope, ReportService } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, money, percent } from "../amounts";
import { Breakdown } from "../parts/breakdown";
import { amount, share, whole } from "../parts/columns";
import { Controls, Segments } from "../parts/controls";
import type { Defined } from "../parts/define";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { Trend } from "../parts/trend";
import { link, useRoute } from "../route";
import { begun, exactTime, intervalOf, rowLabel, useView, type View } from "../view";
import { InPart, Intervals } from "./sales";

/** Amounts are of one currency, so this report is told which. */
function inCurrency(view: View, scope: ReportScope): ReportScope {
  return view.currency ? { ...scope, currency: view.currency } : scope;
}

export function Conversion() {
  const view = useView();
  const ask = (scope: ReportScope) => ({ scope: inCurrency(view, scope), interval: intervalOf(view.interval) });
  const answer = useAnswer(ReportService.method.getConversionReport, ask(view.scope));
  const before = useAnswer(ReportService.method.getConversionReport, view.previous && ask(view.over(view.previous)));
  return (
    <>
      <Controls compared>
        <Intervals />
      </Controls>
      <Shown answer={answer}>
        {(report) =>
          report.total && (report.total.sessions > 0n || report.total.orders > 0n) ? (
            <Report report={report} total={report.total} before={view.previous ? before.value : undefined} />
          ) : (
            <Empty title="No visits and no orders in this range">The tag sends page views by itself once it is in the shop’s pages.</Empty>
          )
        }
      </Shown>
    </>
  );
}

/** The whole range by the values of the dimensions. */
function ByDimension() {
  const view = useView();
  const answer = useAnswer(ReportService.method.getConversionReport, { scope: inCurrency(view, view.compared) });
  return (
    <Shown answer={answer} robots={false}>
      {({ rows, total, currency, moreRows }) => (
        <Breakdown
          title="Conversion"
          file="conversion"
          rows={rows}
          more={moreRows}
          total={total}
          columns={numbers(currency)}
          measure={{ label: "Sessions", value: (row) => row.sessions, show: (text) => count(BigInt(text)) }}
        />
      )}
    </Shown>
  );
}

type Measure = "conversionRate" | "cartRate" | "checkoutRate" | "valuePerVisit" | "sessions" | "orders";

const MEASURES: [Measure, string][] = [
  ["conversionRate", "Conversion rate"],
  ["cartRate", "Cart rate"],
  ["checkoutRate", "Checkout rate"],
  ["valuePerVisit", "Value per visit"],
  ["sessions", "Sessions"],
  ["orders", "Orders"],
];

interface ReportProps {
  report: GetConversionReportResponse;
  total: ConversionRow;
  before: GetConversionReportResponse | undefined;
}

function Report({ report: { rows, currency }, total, before }: ReportProps) {
  const view = useView();
  const { params } = useRoute();
  const [measure, label] = MEASURES.find(([each]) => each === params.get("measure")) ?? (MEASURES[0] as (typeof MEASURES)[0]);
  const old = before?.total;
  // Nothing is a share of no visits.
  const visited = total.sessions > 0n;
  const written = (value: string | bigint): string =>
    typeof value === "bigint" ? count(value) : measure === "valuePerVisit" ? money(value, currency) : percent(value);
  const counted = (name: string, define: Defined, of: "sessions" | "visitors" | "orders") => (
    <Tile label={name} define={define} now={total[of]} before={old?.[of]} show={count} />
  );
  const rate = (name: string, define: Defined, of: "cartRate" | "checkoutRate" | "conversionRate", note: string) => (
    <Tile label={name} define={define} now={visited ? total[of] : ""} before={old?.[of]} show={percent} share>
      {note}
    </Tile>
  );
  return (
    <>
      <Tiles>
        {counted("Sessions", "ConversionRow.sessions", "sessions")}
        {counted("Visitors", "ConversionRow.visitors", "visitors")}
        {rate("Cart rate", "ConversionRow.cart_rate", "cartRate", `${count(total.carts)} sessions with something put into a cart`)}
        {rate("Checkout rate", "ConversionRow.checkout_rate", "checkoutRate", `${count(total.checkouts)} sessions at the checkout`)}
        {counted("Orders", "ConversionRow.orders", "orders")}
        {rate("Conversion rate", "ConversionRow.conversion_rate", "conversionRate", "orders for each session")}
        <Tile
          label="Value per visit"
          define="ConversionRow.value_per_visit"
          now={visited ? total.valuePerVisit : ""}
          before={old?.valuePerVisit}
          show={(text) => money(text, currency)}
        >
          of {money(total.totalSales, currency)} total sales
        </Tile>
      </Tiles>
      {!visited && (
        <p class="note">
          There are orders, and no visits: rates need page views, which the <a href={link("install")}>tag</a> sends once it is in the shop’s pages.
        </p>
      )}
      <section class="card">
        <header class="card-head">
          <h2>{label}</h2>
          <Segments label="Measure" name="measure" standard="conversionRate" choices={MEASURES} />
        </header>
        <Trend
          label={label}
          rows={rows}
          before={before?.rows ?? []}
          value={(row) => Number(row[measure])}
          whole={measure === "sessions" || measure === "orders"}
          share={measure.endsWith("Rate")}
          words={(row) => written(row[measure])}
        />
      </section>
      {view.by.length > 0 && <ByDimension />}
      <Table
        title={`Over time, in ${currency}`}
        file={`conversion ${currency}`}
        rows={begun(rows)}
        total={total}
        foot={<InPart rows={rows} />}
        columns={[
          {
            label: "Date",
            text: (row) => exactTime(row.start),
            cell: (row) => rowLabel(row.start, view),
          },
          ...numbers(currency),
        ]}
      />
    </>
  );
}

function numbers(currency: string): Column<ConversionRow>[] {
  return [
    whole("Sessions", "ConversionRow.sessions", (row) => row.sessions),
    whole("Visitors", "ConversionRow.visitors", (row) => row.visitors),
    whole("Carts", "ConversionRow.carts", (row) => row.carts),
    whole("Checkouts", "ConversionRow.checkouts", (row) => row.checkouts),
    whole("Orders", "ConversionRow.orders", (row) => row.orders),
    share("Cart rate", "ConversionRow.cart_rate", (row) => row.cartRate),
    share("Checkout rate", "ConversionRow.checkout_rate", (row) => row.checkoutRate),
    share("Conversion rate", "ConversionRow.conversion_rate", (row) => row.conversionRate),
    amount("Total sales", "ConversionRow.total_sales", currency, (row) => row.totalSales),
    amount("Value per visit", "ConversionRow.value_per_visit", currency, (row) => row.valuePerVisit),
  ];
}
