/** Carts that were made, and those that were left. */
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import { type AbandonedCart, CartOrder, type CartReport, type CartRow, ReportService } from "contract/reports_pb";
import type { ComponentChildren } from "preact";
import { ask as asked, call, questionName, useAnswer } from "../answers";
import { count, money, percent } from "../amounts";
import { Breakdown } from "../parts/breakdown";
import { amount, share, whole } from "../parts/columns";
import { Choice, Controls, Entry } from "../parts/controls";
import { useOrdered } from "../parts/ordered";
import { everyPage, following, type Page, Paged } from "../parts/pages";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { link, useRoute } from "../route";
import { blockOf, exactTime, useView } from "../view";
import { moment } from "../zones";

const PAGE_SIZE = 50;
const EXPORTED_AT_ONCE = 500;
const ORDERS: Record<string, CartOrder> = { changed: CartOrder.CHANGED, created: CartOrder.CREATED, value: CartOrder.VALUE };

export function Carts() {
  const view = useView();
  const { params } = useRoute();
  const hours = Number(params.get("hours")) || 0;
  const over = (scope: typeof view.scope) => ({ scope, abandonedAfterHours: hours, limit: 1 });
  const answer = useAnswer(ReportService.method.getCartReport, over(view.scope));
  const before = useAnswer(ReportService.method.getCartReport, view.previous && over(view.over(view.previous)));
  return (
    <>
      <Controls compared>
        <Choice
          label="Abandoned after"
          name="hours"
          standard=""
          choices={[
            ["1", "1 hour"],
            ["4", "4 hours"],
            ["12", "12 hours"],
            ["", "24 hours"],
            ["72", "3 days"],
            ["168", "7 days"],
          ]}
        />
        <Entry
          label="Worth at least"
          name="min"
          placeholder="any value"
          understood={(text) => (MONEY.test(text) ? text : null)}
          otherwise="Give an amount such as 100 or 99.50."
        />
      </Controls>
      <Shown answer={answer}>
        {({ reports }) => {
          const block = blockOf(reports, view);
          return block && block.created > 0n ? (
            <Report block={block} before={view.previous ? before.value && blockOf(before.value.reports, view) : undefined}>
              {view.by.length > 0 && <ByDimension hours={hours} />}
            </Report>
          ) : (
            <Empty title={`No carts${view.currency ? ` in ${view.currency}` : ""} in this range`} />
          );
        }}
      </Shown>
    </>
  );
}

/** The whole range by the values of the dimensions. */
function ByDimension({ hours }: { hours: number }) {
  const view = useView();
  const answer = useAnswer(ReportService.method.getCartReport, { scope: view.compared, abandonedAfterHours: hours, limit: 1 });
  return (
    <Shown answer={answer} robots={false}>
      {({ reports }) => {
        const block = blockOf(reports, view);
        return (
          block && (
            <Breakdown
              title={`Carts in ${block.currency}`}
              file={`carts ${block.currency}`}
              rows={block.rows}
              columns={[
                whole<CartRow>("Created", "CartRow.created", (row) => row.created),
                whole<CartRow>("Ordered", "CartRow.ordered", (row) => row.ordered),
                share<CartRow>("Abandonment rate", "CartRow.abandonment_rate", (row) => row.abandonmentRate),
                amount<CartRow>("Abandoned value", "CartRow.abandoned_value", block.currency, (row) => row.abandonedValue),
                whole<CartRow>("Emptied", "CartRow.emptied", (row) => row.emptied),
                whole<CartRow>("Still open", "CartRow.open", (row) => row.open),
              ]}
              measure={{ label: "Abandoned", value: (row) => row.abandoned, show: (text) => count(BigInt(text)) }}
            />
          )
        );
      }}
    </Shown>
  );
}

function Report({ block, before, children }: { block: CartReport; before: CartReport | undefined; children: ComponentChildren }) {
  return (
    <>
      <Tiles>
        <Tile label="Created" define="CartReport.created" now={block.created} before={before?.created} show={count} />
        <Tile label="Ordered" define="CartReport.ordered" now={block.ordered} before={before?.ordered} show={count} />
        <Tile
          label="Abandoned"
          define="CartReport.abandoned"
          now={block.abandoned}
          before={before?.abandoned}
          show={count}
          explain={block.explain}
          falling
        />
        <Tile
          label="Abandonment rate"
          define="CartReport.abandonment_rate"
          now={block.abandonmentRate}
          before={before?.abandonmentRate}
          show={percent}
          explain={block.explain}
          falling
          share
        />
        <Tile
          label="Abandoned value"
          define="CartReport.abandoned_value"
          now={block.abandonedValue}
          before={before?.abandonedValue}
          show={(text) => money(text, block.currency)}
          explain={block.explain}
          falling
        />
        <Tile label="Emptied" define="CartReport.emptied" now={block.emptied} before={before?.emptied} show={count} />
        <Tile label="Still open" define="CartReport.open" now={block.open} before={before?.open} show={count} />
      </Tiles>
      {children}
      <Abandoned block={block} />
    </>
  );
}

const MONEY = /^[0-9]{1,14}([.][0-9]{1,4})?$/;

function Abandoned({ block: { currency } }: { block: CartReport }) {
  const { scope, zone } = useView();
  const { params } = useRoute();
  const ordered = useOrdered("changed");
  const least = params.get("min") ?? "";
  const question = (offset: number, limit: number) => ({
    scope,
    abandonedAfterHours: Number(params.get("hours")) || 0,
    limit,
    offset,
    orderBy: ORDERS[ordered.by] ?? CartOrder.CHANGED,
    ascending: !ordered.down,
    ...(MONEY.test(least) ? { minValue: least } : {}),
  });
  const page = async (token: string, limit: number, ask: typeof asked): Promise<Page<AbandonedCart>> => {
    const offset = Number(token);
    const { reports } = await ask(ReportService.method.getCartReport, question(offset, limit));
    const block = reports.find((each) => each.currency === currency);
    const items = block?.carts ?? [];
    const total = block?.totalCarts ?? 0n;
    return { items, total, next: following(offset, items.length, total) };
  };
  return (
    <Paged
      name={`${currency} ${questionName(ReportService.method.getCartReport, question(0, PAGE_SIZE))}`}
      empty={least ? "No abandoned cart is worth so much" : "No cart was abandoned"}
      load={(token) => page(token, PAGE_SIZE, asked)}
    >
      {(carts, foot) => (
        <Table
          title="Abandoned carts"
          file={`abandoned carts ${currency}`}
          rows={carts}
          everything={() => everyPage((token) => page(token, EXPORTED_AT_ONCE, call))}
          ordered={ordered}
          foot={foot}
          columns={columns(currency, zone)}
        />
      )}
    </Paged>
  );
}

function columns(currency: string, zone: string): Column<AbandonedCart>[] {
  const exact = (at: Timestamp | undefined): string => exactTime(at);
  const shown = (at: Timestamp | undefined): string => (at ? moment(timestampDate(at), zone) : "");
  const contents = (cart: AbandonedCart): string => cart.lines.map((line) => `${line.qty} × ${line.name || line.sku}`).join(", ");
  return [
    { label: "Cart", text: (cart) => cart.cartId },
    {
      label: "Value",
      text: (cart) => cart.value,
      cell: (cart) => money(cart.value, currency),
      number: true,
      order: "value",
      define: "AbandonedCart.value",
    },
    {
      label: "Changed last",
      text: (cart) => exact(cart.changedAt),
      cell: (cart) => shown(cart.changedAt),
      order: "changed",
      define: "AbandonedCart.changed_at",
    },
    {
      label: "Customer",
      text: (cart) => cart.email || cart.identity || cart.customerId,
      cell: (cart) => cart.customerId && <a href={link("customers", cart.customerId)}>{cart.email || cart.identity || "Anonymous visitor"}</a>,
    },
    { label: "Contents", text: contents, cell: (cart) => <span class="long">{contents(cart)}</span> },
    {
      label: "Created",
      text: (cart) => exact(cart.createdAt),
      cell: (cart) => shown(cart.createdAt),
      order: "created",
      define: "AbandonedCart.created_at",
    },
  ];
}
