/** Carts that were made, and those that were left. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type AbandonedCart, type CartReport, ReportService } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, money, percent, scaled } from "../amounts";
import { Choice, Controls } from "../parts/controls";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { link, useRoute } from "../route";
import { blockOf, useView } from "../view";
import { moment } from "../zones";

export function Carts() {
  const view = useView();
  const { params } = useRoute();
  const hours = Number(params.get("hours")) || 0;
  const ask = (scope: typeof view.scope) => ({ scope, abandonedAfterHours: hours });
  const answer = useAnswer(ReportService.method.getCartReport, ask(view.scope));
  const before = useAnswer(ReportService.method.getCartReport, view.previous && ask(view.over(view.previous)));
  return (
    <>
      <Controls>
        <Choice
          label="Left after"
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
      </Controls>
      <Shown answer={answer}>
        {({ reports }) => {
          const block = blockOf(reports, view);
          return block && block.created > 0n ? (
            <Report block={block} before={view.previous ? before.value && blockOf(before.value.reports, view) : undefined} />
          ) : (
            <Empty title={`No carts${view.currency ? ` in ${view.currency}` : ""} in this range`} />
          );
        }}
      </Shown>
    </>
  );
}

function Report({ block, before }: { block: CartReport; before: CartReport | undefined }) {
  const { zone } = useView();
  const at = (cart: AbandonedCart, end: "createdAt" | "changedAt"): Date | undefined => cart[end] && timestampDate(cart[end]);
  const contents = (cart: AbandonedCart): string => cart.lines.map((line) => `${line.qty} × ${line.name || line.sku}`).join(", ");
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
        />
        <Tile
          label="Value left"
          define="CartReport.abandoned_value"
          now={block.abandonedValue}
          before={before?.abandonedValue}
          show={(text) => money(text, block.currency)}
          explain={block.explain}
          falling
        />
        <Tile label="Still open" define="CartReport.open" now={block.open} before={before?.open} show={count} />
      </Tiles>
      <Table
        title="Abandoned carts"
        file={`carts-${block.currency}`}
        rows={block.carts}
        empty="No cart was left."
        columns={[
          { label: "Cart", text: (cart) => cart.cartId },
          {
            label: "Changed last",
            text: (cart) => at(cart, "changedAt")?.toISOString() ?? "",
            cell: (cart) => {
              const changed = at(cart, "changedAt");
              return changed && moment(changed, zone);
            },
            by: (cart) => BigInt(at(cart, "changedAt")?.getTime() ?? 0),
            define: "AbandonedCart.changed_at",
          },
          {
            label: "Customer",
            text: (cart) => cart.email || cart.customerId,
            cell: (cart) => cart.customerId && <a href={link("customers", cart.customerId)}>{cart.email || "visitor"}</a>,
          },
          { label: "Contents", text: contents, cell: (cart) => <span class="long">{contents(cart)}</span> },
          {
            label: "Value",
            text: (cart) => cart.value,
            cell: (cart) => money(cart.value, block.currency),
            number: true,
            by: (cart) => scaled(cart.value),
            define: "AbandonedCart.value",
          },
        ]}
      />
    </>
  );
}
