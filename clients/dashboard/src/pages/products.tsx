/** What each product brings, and what is bought together. */
import { ProductOrder, type ProductReport, type ProductRow, ReportService } from "contract/reports_pb";
import { useState } from "preact/hooks";
import { ask as asked, call, questionName, useAnswer } from "../answers";
import { count, decimal, money, percent } from "../amounts";
import { dimensionColumns } from "../parts/breakdown";
import { Controls, Entry } from "../parts/controls";
import type { Defined } from "../parts/define";
import { Explain } from "../parts/explain";
import { Shown as More } from "../parts/folded";
import { useOrdered } from "../parts/ordered";
import { everyPage, following, type Page, Paged } from "../parts/pages";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { useRoute } from "../route";
import { blockOf, useView } from "../view";
import { quantity } from "./sales";

const PAGE_SIZE = 50;
const FIRST_PAIRS = 10;
const EXPORTED_AT_ONCE = 1_000;
const ORDERS: Record<string, ProductOrder> = {
  net: ProductOrder.NET,
  views: ProductOrder.VIEWS,
  carts: ProductOrder.CARTS,
  orders: ProductOrder.ORDERS,
  units: ProductOrder.UNITS,
  gross: ProductOrder.GROSS,
  refunds: ProductOrder.REFUNDS,
  returns: ProductOrder.RETURNS,
  discounts: ProductOrder.DISCOUNTS,
  returned: ProductOrder.RETURN_RATE,
  viewers: ProductOrder.VIEWERS,
  rate: ProductOrder.VIEW_TO_ORDER_RATE,
  sku: ProductOrder.SKU,
};

export function Products() {
  const view = useView();
  const { params } = useRoute();
  const ordered = useOrdered("net");
  const search = params.get("find") ?? "";
  const question = (offset: number, limit: number) => ({
    scope: view.broken,
    limit,
    offset,
    search,
    orderBy: ORDERS[ordered.by] ?? ProductOrder.NET,
    ascending: !ordered.down,
  });
  const answer = useAnswer(ReportService.method.getProductReport, question(0, PAGE_SIZE));
  const page = async (token: string, limit: number, ask: typeof asked): Promise<Page<ProductRow>> => {
    const offset = Number(token);
    const block = blockOf((await ask(ReportService.method.getProductReport, question(offset, limit))).reports, view);
    const items = block?.rows ?? [];
    const total = block?.totalProducts ?? 0n;
    return { items, total, next: following(offset, items.length, total) };
  };
  return (
    <>
      <Controls>
        <Entry label="Find" name="find" placeholder="name or SKU" />
      </Controls>
      <Shown answer={answer}>
        {({ reports }) => {
          const block = blockOf(reports, view);
          if (!block?.rows.length) {
            return (
              <Empty title={search ? `No product found for “${search}”` : `No products${view.currency ? ` in ${view.currency}` : ""} in this range`}>
                Products appear with their first view, cart or order.
              </Empty>
            );
          }
          return (
            <>
              <Paged name={`${view.currency} ${questionName(ReportService.method.getProductReport, question(0, PAGE_SIZE))}`} empty="" load={(token) => page(token, PAGE_SIZE, asked)}>
                {(rows, foot) => (
                  <Table
                    title={`Products in ${block.currency}`}
                    file={`products ${block.currency}`}
                    rows={rows}
                    everything={() => everyPage((token) => page(token, EXPORTED_AT_ONCE, call))}
                    ordered={ordered}
                    foot={foot}
                    columns={[...dimensionColumns<ProductRow>(view, params).map(unsorted), ...columns(block.currency)]}
                  />
                )}
              </Paged>
              <Together block={block} />
            </>
          );
        }}
      </Shown>
    </>
  );
}

/** The server sorts products by their own columns. */
function unsorted({ by: _, ...column }: Column<ProductRow>): Column<ProductRow> {
  return column;
}

function Together({ block }: { block: ProductReport }) {
  const [most, setMost] = useState(FIRST_PAIRS);
  const names = new Map(block.rows.map((row) => [row.sku, row.name]));
  const named = (sku: string) => (
    <>
      {names.get(sku) || sku} <small>{names.get(sku) ? sku : ""}</small>
    </>
  );
  if (block.boughtTogether.length === 0) return null;
  return (
    <Table
      title="Most often bought together"
      file={`bought together ${block.currency}`}
      rows={block.boughtTogether.slice(0, most)}
      everything={async function* () {
        yield block.boughtTogether;
      }}
      foot={
        <More
          shown={Math.min(most, block.boughtTogether.length)}
          all={block.boughtTogether.length}
          {...(most < block.boughtTogether.length ? { more: () => setMost(block.boughtTogether.length) } : {})}
        />
      }
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
        {
          label: "Lift",
          text: (pair) => pair.lift,
          cell: (pair) => decimal(pair.lift),
          number: true,
          define: "ProductPair.lift",
        },
      ]}
    />
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
  });
  const amount = (label: string, define: Defined, value: (row: ProductRow) => string, order?: string): Column<ProductRow> => ({
    label,
    ...(order ? { order } : {}),
    define,
    text: value,
    cell: (row) => money(value(row), currency),
    number: true,
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
      order: "sku",
    },
    { label: "Name", text: (row) => row.name },
    whole("Views", "ProductRow.views", (row) => row.views, "views"),
    whole("Viewers", "ProductRow.viewers", (row) => row.viewers, "viewers"),
    whole("Carts", "ProductRow.carts", (row) => row.carts, "carts"),
    whole("Orders", "ProductRow.orders", (row) => row.orders, "orders"),
    whole("Units", "ProductRow.units", (row) => row.units, "units"),
    unsorted(quantity("ProductRow.quantity", (row) => row.quantity)),
    amount("Gross sales", "ProductRow.gross_sales", (row) => row.grossSales, "gross"),
    amount("Discounts", "ProductRow.discounts", (row) => row.discounts, "discounts"),
    amount("Returns", "ProductRow.returns", (row) => row.returns, "returns"),
    amount("Net sales", "ProductRow.net_sales", (row) => row.netSales, "net"),
    { ...unsorted(quantity("ProductRow.quantity_returned", (row) => row.quantityReturned)), label: "Returned" },
    {
      label: "Return rate",
      define: "ProductRow.return_rate",
      order: "returned",
      text: (row) => row.returnRate,
      cell: (row) => percent(row.returnRate),
      number: true,
    },
    {
      label: "View to order",
      define: "ProductRow.view_to_order_rate",
      order: "rate",
      text: (row) => row.viewToOrderRate,
      cell: (row) => percent(row.viewers > 0n ? row.viewToOrderRate : ""),
      number: true,
    },
  ];
}
