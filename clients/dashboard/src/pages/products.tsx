/** What each product brings, and what is bought together. */
import { ProductOrder, type ProductReport, type ProductRow, ReportService } from "contract/reports_pb";
import { ask, useAnswer } from "../answers";
import { count, money, percent, scaled } from "../amounts";
import { Controls, Entry } from "../parts/controls";
import type { Defined } from "../parts/define";
import { Explain } from "../parts/explain";
import { ShowMore } from "../parts/folded";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { change, useRoute } from "../route";
import { blockOf, useView } from "../view";

const FIRST = 100;
/** What the server takes as a limit. */
const MOST = 10_000;
const ORDERS: Record<string, ProductOrder> = {
  net: ProductOrder.NET,
  views: ProductOrder.VIEWS,
  carts: ProductOrder.CARTS,
  orders: ProductOrder.ORDERS,
  units: ProductOrder.UNITS,
  gross: ProductOrder.GROSS,
  refunds: ProductOrder.REFUNDS,
};

export function Products() {
  const view = useView();
  const { params } = useRoute();
  const limit = Math.min(Number(params.get("limit")) || FIRST, MOST);
  const sort = params.get("sort") ?? "net";
  const orderBy = ORDERS[sort] ?? ProductOrder.NET;
  const answer = useAnswer(ReportService.method.getProductReport, { scope: view.scope, limit, orderBy });
  return (
    <>
      <Controls>
        <Entry label="Find" name="find" placeholder="name or SKU" />
      </Controls>
      <Shown answer={answer}>
        {({ reports }) => {
          const block = blockOf(reports, view);
          return block?.rows.length ? (
            <Report block={block} find={params.get("find") ?? ""} limit={limit} sort={sort} />
          ) : (
            <Empty title={`No products${view.currency ? ` in ${view.currency}` : ""} in this range`}>
              Products appear with their first view, cart or order.
            </Empty>
          );
        }}
      </Shown>
    </>
  );
}

function Report({ block, find, limit, sort }: { block: ProductReport; find: string; limit: number; sort: string }) {
  const { scope } = useView();
  const names = new Map(block.rows.map((row) => [row.sku, row.name]));
  const wanted = find.toLowerCase();
  const all = Number(block.totalProducts);
  const called = (all: ProductRow[]): ProductRow[] => all.filter((row) => `${row.sku}\n${row.name}`.toLowerCase().includes(wanted));
  const rows = called(block.rows);
  const named = (sku: string) => (
    <>
      {names.get(sku) || sku} <small>{names.get(sku) ? sku : ""}</small>
    </>
  );
  return (
    <>
      <Table
        title={`Products in ${block.currency}`}
        file={`products ${block.currency}`}
        rows={rows}
        everything={async () => {
          const answer = await ask(ReportService.method.getProductReport, { scope, limit: MOST, orderBy: ORDERS[sort] ?? ProductOrder.NET });
          return called(answer.reports.find(({ currency }) => currency === block.currency)?.rows ?? []);
        }}
        ordered={{ by: sort, ask: (by) => change({ sort: by === "net" ? null : by }, "replace") }}
        foot={
          all > limit && limit < MOST ? (
            <ShowMore shown={limit} all={all} more={() => change({ limit: `${Math.min(limit * 10, MOST)}` }, "replace")} />
          ) : (
            all > limit && (
              <p class="note">
                These are the first {count(MOST)} of {count(all)} products.
              </p>
            )
          )
        }
        columns={columns(block.currency)}
        empty="None of these products is called so."
      />
      <Table
        title="Bought together"
        file={`bought together ${block.currency}`}
        rows={block.boughtTogether}
        empty="No two products were in one order."
        columns={[
          { label: "Product", text: (pair) => pair.sku, cell: (pair) => named(pair.sku) },
          { label: "With", text: (pair) => pair.otherSku, cell: (pair) => named(pair.otherSku) },
          {
            label: "Orders with both",
            text: (pair) => `${pair.orders}`,
            cell: (pair) => count(pair.orders),
            number: true,
            define: "ProductPair.orders",
          },
        ]}
      />
    </>
  );
}

function columns(currency: string): Column<ProductRow>[] {
  const whole = (label: string, define: Defined, value: (row: ProductRow) => bigint, order?: string): Column<ProductRow> => ({
    label,
    ...(order ? { order } : {}),
    define,
    text: (row) => `${value(row)}`,
    cell: (row) => count(value(row)),
    number: true,
    by: value,
  });
  const amount = (label: string, define: Defined, value: (row: ProductRow) => string, order?: string): Column<ProductRow> => ({
    label,
    ...(order ? { order } : {}),
    define,
    text: value,
    cell: (row) => money(value(row), currency),
    number: true,
    by: (row) => scaled(value(row)),
  });
  return [
    {
      label: "SKU",
      text: (row) => row.sku,
      cell: (row) => (
        <Explain token={row.explain} of={row.name || row.sku}>
          {row.sku}
        </Explain>
      ),
      by: (row) => row.sku,
    },
    { label: "Name", text: (row) => row.name, by: (row) => row.name.toLowerCase() },
    whole("Views", "ProductRow.views", (row) => row.views, "views"),
    whole("Viewers", "ProductRow.viewers", (row) => row.viewers),
    whole("Carts", "ProductRow.carts", (row) => row.carts, "carts"),
    whole("Orders", "ProductRow.orders", (row) => row.orders, "orders"),
    whole("Units", "ProductRow.units", (row) => row.units, "units"),
    amount("Gross", "ProductRow.gross", (row) => row.gross, "gross"),
    amount("Refunds", "ProductRow.refunds", (row) => row.refunds, "refunds"),
    amount("Net", "ProductRow.net", (row) => row.net, "net"),
    {
      label: "View to order",
      define: "ProductRow.view_to_order_rate",
      text: (row) => row.viewToOrderRate,
      cell: (row) => percent(row.viewToOrderRate),
      number: true,
      by: (row) => scaled(row.viewToOrderRate),
    },
  ];
}
