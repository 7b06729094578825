/** Carts that were made, and those that were left. */
import { timestampDate } from "@bufbuild/protobuf/wkt";
import { type AbandonedCart, type CartReport, ReportService } from "contract/reports_pb";
import { ask, useAnswer } from "../answers";
import { count, money, percent, scaled } from "../amounts";
import { Choice, Controls } from "../parts/controls";
import { ShowMore } from "../parts/folded";
import { Empty, Shown } from "../parts/states";
import { Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { change, link, useRoute } from "../route";
import { blockOf, useView } from "../view";
import { moment } from "../zones";

const MOST_LISTED = 1_000;

export function Carts() {
  const view = useView();
  const { params } = useRoute();
  const hours = Number(params.get("hours")) || 0;
  const limit = Number(params.get("limit")) || 0;
  const over = (scope: typeof view.scope) => ({ scope, abandonedAfterHours: hours, limit });
  const answer = useAnswer(ReportService.method.getCartReport, over(view.scope));
  const before = useAnswer(ReportService.method.getCartReport, view.previous && { ...over(view.over(view.previous)), limit: 1 });
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

/** A report lists up to a thousand carts; the rest can be reached by a shorter range. */
function Rest({ listed, all }: { listed: number; all: bigint }) {
  if (BigInt(listed) >= all) return null;
  if (listed < MOST_LISTED) return <ShowMore shown={listed} all={all} more={() => change({ limit: `${MOST_LISTED}` }, "replace")} />;
  return (
    <p class="note">
      {count(listed)} of {count(all)}, those that were changed last. Choose a shorter range to see the others.
    </p>
  );
}

function Report({ block, before }: { block: CartReport; before: CartReport | undefined }) {
  const { zone, scope } = useView();
  const hours = Number(useRoute().params.get("hours")) || 0;
  const everything = async (): Promise<AbandonedCart[]> => {
    const answer = await ask(ReportService.method.getCartReport, { scope, abandonedAfterHours: hours, limit: MOST_LISTED });
    return answer.reports.find(({ currency }) => currency === block.currency)?.carts ?? [];
  };
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
        <Tile label="Still open" define="CartReport.open" now={block.open} before={before?.open} show={count} />
      </Tiles>
      <Table
        title="Abandoned carts"
        file={`abandoned carts ${block.currency}`}
        rows={block.carts}
        everything={everything}
        foot={<Rest listed={block.carts.length} all={block.abandoned} />}
        empty="No cart was abandoned."
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
            cell: (cart) => cart.customerId && <a href={link("customers", cart.customerId)}>{cart.email || "Anonymous visitor"}</a>,
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
