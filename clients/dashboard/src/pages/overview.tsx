/** How the shop does: today, the range against the range before, what sells, and how far visitors come. */
import { Interval, type ProductRow, ReportService, type SalesReport, type SalesRow, type TrafficRow } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, money, percent, scaled } from "../amounts";
import { Controls } from "../parts/controls";
import { Define } from "../parts/define";
import { Explain } from "../parts/explain";
import { Steps } from "../parts/steps";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { Trend } from "../parts/trend";
import { rangeNamed } from "../ranges";
import { link } from "../route";
import { blockOf, intervalOf, useView } from "../view";

const TOP_PRODUCTS = 5;

export function Overview() {
  return useNothing() ? <First /> : <Shop />;
}

/** Whether the store has nothing at all. All data is looked at only where this range has none. */
function useNothing(): boolean {
  const view = useView();
  const ask = (scope: Pick<typeof view.scope, "timeZone">) => ({ scope, interval: intervalOf(view.interval) });
  const sales = useAnswer(ReportService.method.getSalesReport, ask(view.scope));
  const traffic = useAnswer(ReportService.method.getTrafficReport, { ...ask(view.over(view.range, "traffic")), limit: 1 });
  const empty = sales.value?.reports.every(({ total }) => total?.orders === 0n) && traffic.value?.total?.pageViews === 0n;
  const everything = { timeZone: view.zone, includeBots: true, includeSandbox: true };
  const allSales = useAnswer(ReportService.method.getSalesReport, empty ? { scope: everything } : null);
  const allTraffic = useAnswer(ReportService.method.getTrafficReport, empty ? { scope: everything, limit: 1 } : null);
  return Boolean(empty) && allSales.value?.reports.every(({ total }) => total?.orders === 0n) === true && allTraffic.value?.total?.pageViews === 0n;
}

function First() {
  return (
    <Empty title="Nothing has arrived yet">
      Put the tag into the shop’s pages, or send events from its backend. <a href={link("install")}>Install</a> shows how, and tells you when
      the first event is there.
    </Empty>
  );
}

function Shop() {
  return (
    <>
      <Controls compared />
      <Today />
      <Numbers />
      <div class="pair">
        <TopProducts />
        <FunnelInShort />
      </div>
    </>
  );
}

/** Two days in one answer: yesterday and today. */
function Today() {
  const view = useView();
  const days = { ...rangeNamed("today", view.zone), first: rangeNamed("yesterday", view.zone).first };
  const scope = view.over(days, "sales");
  const sales = useAnswer(ReportService.method.getSalesReport, { scope, interval: Interval.DAY });
  const traffic = useAnswer(ReportService.method.getTrafficReport, { scope: view.over(days, "traffic"), interval: Interval.DAY, limit: 1 });
  const block = sales.value && blockOf(sales.value.reports, view);
  const [yesterday, today] = block?.rows ?? [];
  const known = sales.value !== undefined;
  const [visitedBefore, visited] = traffic.value?.rows ?? [];
  return (
    <section class="card today" aria-labelledby="today">
      <h2 id="today">Today so far</h2>
      <dl>
        <Fact
          name="Net sales"
          now={known && money(today?.netSales ?? "0", block?.currency || view.currency || view.home)}
          before={yesterday && money(yesterday.netSales, block?.currency ?? "")}
          token={today?.explain}
        />
        <Fact name="Orders" now={known && count(today?.orders ?? 0n)} before={yesterday && count(yesterday.orders)} token={today?.explain} />
        <Fact
          name="Visitors"
          now={visited && count(visited.visitors)}
          before={visitedBefore && count(visitedBefore.visitors)}
          token={visited?.explain}
        />
      </dl>
    </section>
  );
}

function Fact({
  name,
  now,
  before,
  token = "",
}: {
  name: string;
  now: string | false | undefined;
  before: string | undefined;
  token?: string | undefined;
}) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {now ? (
          <Explain token={token} of={`${name} today`}>
            {now}
          </Explain>
        ) : (
          "–"
        )}
        <small>{before ? ` all of yesterday ${before}` : ""}</small>
      </dd>
    </div>
  );
}

function Numbers() {
  const view = useView();
  const over = (scope: typeof view.scope) => ({ scope, interval: intervalOf(view.interval) });
  const sales = useAnswer(ReportService.method.getSalesReport, over(view.scope));
  const salesBefore = useAnswer(ReportService.method.getSalesReport, view.previous && over(view.over(view.previous)));
  const traffic = useAnswer(ReportService.method.getTrafficReport, { ...over(view.over(view.range, "traffic")), limit: 1 });
  const trafficBefore = useAnswer(ReportService.method.getTrafficReport, view.previous && { ...over(view.over(view.previous, "traffic")), limit: 1 });
  const earlier = view.previous ? salesBefore.value && blockOf(salesBefore.value.reports, view) : undefined;
  return (
    <>
      <Shown answer={sales}>
        {(answer) => {
          const block = blockOf(answer.reports, view);
          if (!block?.total)
            return (
              <Empty title={`No sales${view.currency ? ` in ${view.currency}` : ""} in this range`}>
                Choose a longer range, or look at <a href={link("live")}>what arrives</a>. Has nothing arrived yet?{" "}
                <a href={link("install")}>Install the tag</a>.
              </Empty>
            );
          return <SalesInShort block={block} before={earlier} total={block.total} />;
        }}
      </Shown>
      <Shown answer={traffic}>
        {(answer) =>
          answer.total && (
            <TrafficInShort rows={answer.rows} total={answer.total} before={view.previous ? trafficBefore.value : undefined} />
          )
        }
      </Shown>
    </>
  );
}

function SalesInShort({ block, before, total }: { block: SalesReport; before: SalesReport | undefined; total: SalesRow }) {
  const old = before?.total;
  const amount = (text: string): string => money(text, block.currency);
  return (
    <>
      <Tiles>
        <Tile label="Net sales" define="SalesRow.net_sales" now={total.netSales} before={old?.netSales} show={amount} explain={total.explain} />
        <Tile label="Orders" define="SalesRow.orders" now={total.orders} before={old?.orders} show={count} explain={total.explain} />
        <Tile
          label="Average order"
          define="SalesRow.average_order"
          now={total.averageOrder}
          before={old?.averageOrder}
          show={amount}
          explain={total.explain}
        />
        <Tile
          label="Customers"
          define="SalesRow.customers"
          now={total.customers}
          before={old?.customers}
          show={count}
          explain={total.explain}
        />
        <Tile
          label="Refunds"
          define="SalesRow.refunds"
          now={total.refunds}
          before={old?.refunds}
          show={amount}
          explain={total.explain}
          falling
        />
      </Tiles>
      <section class="card">
        <header class="card-head">
          <h2>Net sales</h2>
        </header>
        <Trend
          label="Net sales"
          rows={block.rows}
          before={before?.rows ?? []}
          value={(row) => Number(row.netSales)}
          words={(row) => amount(row.netSales)}
        />
      </section>
    </>
  );
}

function TrafficInShort({
  rows,
  total,
  before,
}: {
  rows: TrafficRow[];
  total: TrafficRow;
  before: { rows: TrafficRow[]; total?: TrafficRow } | undefined;
}) {
  const { beside } = useView();
  return (
    <section class="card">
      <header class="card-head">
        <h2>Visitors</h2>
        <Define name="TrafficRow.visitors" label="Visitors" />
        <span class="big">
          <Explain token={total.explain} of="Visitors">
            {count(total.visitors)}
          </Explain>
        </span>
        {before?.total && <small>{beside.toLowerCase()} {count(before.total.visitors)}</small>}
      </header>
      {total.pageViews === 0n && (!before?.total || before.total.pageViews === 0n) ? (
        <p class="none">
          No page views in this range. The <a href={link("install")}>tag</a> sends them by itself once it is in the shop’s pages.
        </p>
      ) : (
      <Trend
        label="Visitors"
        rows={rows}
        before={before?.rows ?? []}
        value={(row) => Number(row.visitors)}
        whole
        words={(row) => count(row.visitors)}
      />
      )}
    </section>
  );
}

function TopProducts() {
  const view = useView();
  const answer = useAnswer(ReportService.method.getProductReport, { scope: view.over(view.range, "products"), limit: TOP_PRODUCTS });
  return (
    <Shown answer={answer}>
      {({ reports }) => {
        const block = blockOf(reports, view);
        const amount = (row: ProductRow): string => money(row.netSales, block?.currency ?? "");
        return (
          <Table
            title="Best products"
            file="best products"
            rows={block?.rows.slice(0, TOP_PRODUCTS) ?? []}
            empty="Nothing was sold or looked at in this range."
            columns={[
              { label: "Product", text: (row) => row.name || row.sku },
              { label: "Units", text: (row) => `${row.units}`, cell: (row) => count(row.units), number: true, by: (row) => row.units },
              {
                label: "Net sales",
                text: (row) => row.netSales,
                cell: (row) => (
                  <Explain token={row.explain} of={`${row.name || row.sku}, net sales`}>
                    {amount(row)}
                  </Explain>
                ),
                number: true,
                by: (row) => scaled(row.netSales),
                define: "ProductRow.net_sales",
              },
            ]}
          >
            <a href={link("products")}>All products</a>
          </Table>
        );
      }}
    </Shown>
  );
}

function FunnelInShort() {
  const view = useView();
  const answer = useAnswer(ReportService.method.getFunnelReport, { scope: view.over(view.range, "funnel") });
  return (
    <Shown answer={answer}>
      {({ funnels }) => (
        <section class="card">
          <header class="card-head">
            <h2>From view to order</h2>
            <a href={link("funnel")}>The funnel</a>
          </header>
          {funnels[0]?.steps[0]?.customers ? (
            <Steps steps={funnels[0].steps} />
          ) : (
            <p class="none">Nobody took the first step in this range.</p>
          )}
          {funnels[0]?.steps[0]?.customers ? (
            <p class="note">{percent(funnels[0].steps.at(-1)?.conversion ?? "")} of those who looked at a product ordered.</p>
          ) : null}
        </section>
      )}
    </Shown>
  );
}
