/** What each product brings, and what is bought together. */
import { type ProductReport, type ProductRow, ReportService } from "contract/reports_pb";
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
/** The server takes a limit of 10,000. */
const MOST = 9_999;

export function Products() {
  const view = useView();
  const { params } = useRoute();
  const limit = Math.min(Number(params.get("limit")) || FIRST, MOST);
  const answer = useAnswer(ReportService.method.getProductReport, { scope: view.scope, limit: limit + 1 });
  return (
    <>
      <Controls>
        <Entry label="Find" name="find" placeholder="name or SKU" />
      </Controls>
      <Shown answer={answer}>
        {({ reports }) => {
          const block = blockOf(reports, view);
          return block?.rows.length ? (
            <Report block={block} find={params.get("find") ?? ""} limit={limit} />
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

function Report({ block, find, limit }: { block: ProductReport; find: string; limit: number }) {
  const { scope } = useView();
  const names = new Map(block.rows.map((row) => [row.sku, row.name]));
  const wanted = find.toLowerCase();
  // One more than is shown is asked for: so it is known whether there are more.
  const more = block.rows.length > limit;
  const called = (all: ProductRow[]): ProductRow[] => all.filter((row) => `${row.sku}\n${row.name}`.toLowerCase().includes(wanted));
  const rows = called(block.rows.slice(0, limit));
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
          const answer = await ask(ReportService.method.getProductReport, { scope, limit: MOST });
          return called(answer.reports.find(({ currency }) => currency === block.currency)?.rows ?? []);
        }}
        foot={
          more && limit < MOST ? (
            <ShowMore shown={limit} more={() => change({ limit: `${Math.min(limit * 10, MOST)}` }, "replace")} />
          ) : (
            more && <p class="note">These are the {count(MOST)} products with the most net. The report lists no more.</p>
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
  const whole = (label: string, define: Defined, value: (row: ProductRow) => bigint): Column<ProductRow> => ({
    label,
    define,
    text: (row) => `${value(row)}`,
    cell: (row) => count(value(row)),
    number: true,
    by: value,
  });
  const amount = (label: string, define: Defined, value: (row: ProductRow) => string): Column<ProductRow> => ({
    label,
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
    whole("Views", "ProductRow.views", (row) => row.views),
    whole("Viewers", "ProductRow.viewers", (row) => row.viewers),
    whole("Carts", "ProductRow.carts", (row) => row.carts),
    whole("Orders", "ProductRow.orders", (row) => row.orders),
    whole("Units", "ProductRow.units", (row) => row.units),
    amount("Gross", "ProductRow.gross", (row) => row.gross),
    amount("Refunds", "ProductRow.refunds", (row) => row.refunds),
    amount("Net", "ProductRow.net", (row) => row.net),
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
