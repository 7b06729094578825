/** What coupons are used for, and what they cost. */
import { CouponOrder, type CouponReport, type CouponRow, type ReportScope, ReportService } from "contract/reports_pb";
import { ask as asked, call, questionName, useAnswer } from "../answers";
import { count, money } from "../amounts";
import { barColumn, dimensionColumns } from "../parts/breakdown";
import { amount, sortedBy, whole } from "../parts/columns";
import { Controls } from "../parts/controls";
import { useOrdered } from "../parts/ordered";
import { everyPage, following, type Page, Paged } from "../parts/pages";
import { Empty, Shown } from "../parts/states";
import { type Column, Table } from "../parts/table";
import { Tile, Tiles } from "../parts/tile";
import { useRoute } from "../route";
import { blockOf, useView } from "../view";

const PAGE_SIZE = 50;
const EXPORTED_AT_ONCE = 1_000;
const ORDERS: Record<string, CouponOrder> = {
  orders: CouponOrder.ORDERS,
  customers: CouponOrder.CUSTOMERS,
  new: CouponOrder.NEW_CUSTOMERS,
  discounts: CouponOrder.DISCOUNTS,
  sales: CouponOrder.TOTAL_SALES,
  average: CouponOrder.AVERAGE_ORDER,
  coupon: CouponOrder.COUPON,
};

export function Coupons() {
  const view = useView();
  const ask = (scope: ReportScope, limit: number) => ({ scope, limit });
  const answer = useAnswer(ReportService.method.getCouponReport, ask(view.scope, 1));
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
  const { currency, withCoupon, withoutCoupon } = block;
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
      <Codes currency={currency} />
      <Table
        title="With a code and without"
        file={`orders with and without a code ${currency}`}
        rows={both}
        columns={[{ label: "Orders", text: (row) => row.name }, barColumn(both, (row) => row.orders), ...numbers(currency)]}
      />
    </>
  );
}

function Codes({ currency }: { currency: string }) {
  const view = useView();
  const { params } = useRoute();
  const ordered = useOrdered("orders");
  const question = (offset: number, limit: number) => ({
    scope: view.broken,
    limit,
    offset,
    orderBy: ORDERS[ordered.by] ?? CouponOrder.ORDERS,
    ascending: !ordered.down,
  });
  const page = async (token: string, limit: number, by: typeof asked): Promise<Page<CouponRow>> => {
    const offset = Number(token);
    const block = blockOf((await by(ReportService.method.getCouponReport, question(offset, limit))).reports, view);
    const items = block?.rows ?? [];
    const total = block?.totalRows ?? 0n;
    return { items, total, next: following(offset, items.length, total) };
  };
  return (
    <Paged
      name={`${currency} ${questionName(ReportService.method.getCouponReport, question(0, PAGE_SIZE))}`}
      empty={<p class="note">No order of this range has a code.</p>}
      load={(token) => page(token, PAGE_SIZE, asked)}
    >
      {(rows, foot) => (
        <Table
          title={`Codes in ${currency}`}
          file={`coupons ${currency}`}
          rows={rows}
          everything={() => everyPage((token) => page(token, EXPORTED_AT_ONCE, call))}
          ordered={ordered}
          columns={[
            { label: "Code", text: (row) => row.coupon, order: "coupon" },
            ...dimensionColumns<CouponRow>(view, params).map((column) => sortedBy("", column)),
            sortedBy("", barColumn(rows, (row) => row.orders)),
            ...numbers<CouponRow>(currency).map((column, place) => sortedBy(NUMBERS[place] ?? "", column)),
          ]}
          foot={
            <>
              {foot}
              <p class="note">An order with two codes counts in both rows, so the rows need not add up.</p>
            </>
          }
        />
      )}
    </Paged>
  );
}

/** The orders of these columns. */
const NUMBERS = ["orders", "customers", "new", "discounts", "sales", "average"];

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
