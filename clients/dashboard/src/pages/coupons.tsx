/** What coupons are used for, and what they cost. */
import { type CouponReport, type CouponRow, type ReportScope, ReportService } from "contract/reports_pb";
import { useAnswer } from "../answers";
import { count, money } from "../amounts";
import { barColumn, dimensionColumns, FIRST } from "../parts/breakdown";
import { amount, whole } from "../parts/columns";
import { Controls } from "../parts/controls";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { useRoute } from "../route";
import { blockOf, useView } from "../view";

/** All rows that the server gives at once: sorting and saving are over these. */
const MOST = 10_000;

export function Coupons() {
  const view = useView();
  const ask = (scope: ReportScope, limit: number) => ({ scope, limit });
  const answer = useAnswer(ReportService.method.getCouponReport, ask(view.broken, MOST));
  const before = useAnswer(ReportService.method.getCouponReport, view.previous && ask(view.over(view.previous), 1));
  return (
    <>
      <Controls compared />
      <Shown answer={answer}>
        {({ reports }) => {
          const block = blockOf(reports, view);
          return block && (block.withCoupon?.orders || block.withoutCoupon?.orders) ? (
            <Report block={block} before={view.previous ? before.value && blockOf(before.value.reports, view) : undefined} />
          ) : (
            <Empty title={`No orders${view.currency ? ` in ${view.currency}` : ""} in this range`}>
              A code counts with the order that has it among its discounts.
            </Empty>
          );
        }}
      </Shown>
    </>
  );
}

function Report({ block, before }: { block: CouponReport; before: CouponReport | undefined }) {
  const view = useView();
  const { params } = useRoute();
  const { currency, rows, withCoupon, withoutCoupon, moreRows } = block;
  const written = (text: string): string => money(text, currency);
  const both: (CouponRow & { name: string })[] = [
    ...(withCoupon ? [{ ...withCoupon, name: "With a code" }] : []),
    ...(withoutCoupon ? [{ ...withoutCoupon, name: "Without a code" }] : []),
  ];
  return (
    <>
      {withCoupon && (
        <Tiles>
          <Tile label="Orders with a code" define="CouponReport.with_coupon" now={withCoupon.orders} before={before?.withCoupon?.orders} show={count}>
            {count(withoutCoupon?.orders ?? 0n)} without one
          </Tile>
          <Tile
            label="Discounts of these orders"
            define="CouponRow.discounts"
            now={withCoupon.discounts}
            before={before?.withCoupon?.discounts}
            show={written}
            falling
          />
          <Tile label="Total sales with a code" define="CouponRow.total_sales" now={withCoupon.totalSales} before={before?.withCoupon?.totalSales} show={written} />
          <Tile label="Average order with a code" define="CouponRow.average_order" now={withCoupon.averageOrder} before={before?.withCoupon?.averageOrder} show={written}>
            {written(withoutCoupon?.averageOrder ?? "")} without one
          </Tile>
          <Tile label="New customers with a code" define="CouponRow.new_customers" now={withCoupon.newCustomers} before={before?.withCoupon?.newCustomers} show={count} />
        </Tiles>
      )}
      <Table
        title={`Codes in ${currency}`}
        file={`coupons ${currency}`}
        rows={rows}
        fold={FIRST}
        empty="No order of this range has a code."
        columns={[
          { label: "Code", text: (row) => row.coupon, by: (row) => row.coupon },
          ...dimensionColumns<CouponRow>(view, params),
          barColumn(rows, (row) => row.orders),
          ...numbers(currency),
        ]}
        foot={
          <>
            {moreRows > 0n && <p class="note">{count(moreRows)} codes with fewer orders are left out: filter, or choose a shorter range, to see them.</p>}
            {rows.length > 0 && <p class="note">An order with two codes counts in both rows, so the rows need not add up.</p>}
          </>
        }
      />
      <Table
        title="With a code and without"
        file={`orders with and without a code ${currency}`}
        rows={both}
        columns={[{ label: "Orders", text: (row) => row.name }, barColumn(both, (row) => row.orders), ...numbers(currency)]}
      />
    </>
  );
}

function numbers<Row extends CouponRow>(currency: string): Column<Row>[] {
  return [
    whole("Number of orders", "CouponRow.orders", (row) => row.orders),
    whole("Customers", "CouponRow.customers", (row) => row.customers),
    whole("New customers", "CouponRow.new_customers", (row) => row.newCustomers),
    amount("Discounts", "CouponRow.discounts", currency, (row) => row.discounts),
    amount("Total sales", "CouponRow.total_sales", currency, (row) => row.totalSales),
    amount("Average order", "CouponRow.average_order", currency, (row) => row.averageOrder),
  ];
}
