/** A customer's orders, each with its products, refunds and parcels. */
import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import { type CustomerOrderDetail, ReportService } from "contract/reports_pb";
import { ask as asked, call } from "../answers";
import { count, money, price } from "../amounts";
import { words } from "../catalogue";
import { fileName, savePages } from "../csv";
import { everyPage, type Page, Paged } from "../parts/pages";
import { ExportButton } from "../parts/table";
import { exactTime, useView } from "../view";
import { date, moment } from "../zones";

const MOST_NAMED = 4;
/** The flag of a refund whose order is cancelled or failed. */
const VOID = "order_void";

const PAGE_SIZE = 10;
const EXPORTED_AT_ONCE = 500;

export function Orders({ id, name }: { id: string; name: string }) {
  const { sandbox } = useView();
  const page = async (pageToken: string, pageSize: number, ask: typeof asked): Promise<Page<CustomerOrderDetail>> => {
    const customer = { by: { case: "customerId" as const, value: id } };
    const answer = await ask(ReportService.method.listCustomerOrders, { customer, pageSize, pageToken, sandbox });
    return { items: answer.orders, next: answer.nextPageToken, total: answer.totalOrders };
  };
  const texts = (order: CustomerOrderDetail): string[] => [
    order.orderId,
    exactTime(order.orderedAt),
    order.total,
    order.currency,
    order.lines.map((line) => `${line.qty} × ${line.name || line.sku}`).join(", "),
    `${order.refunds.length}`,
    order.parcels.map((parcel) => parcel.trackingNumber || parcel.shipmentId).join(" "),
    order.status,
  ];
  const pages = async function* (): AsyncGenerator<string[][]> {
    for await (const orders of everyPage((token) => page(token, EXPORTED_AT_ONCE, call))) yield orders.map(texts);
  };
  return (
    <section class="card" aria-labelledby="orders">
      <header class="card-head">
        <h2 id="orders">Orders</h2>
        <ExportButton disabled={false} run={(told) => savePages(fileName(`orders of ${name}`, null), HEAD, pages(), told)} />
      </header>
      <Paged name={`${id} ${sandbox}`} empty="No orders" load={(token) => page(token, PAGE_SIZE, asked)}>
        {(orders, foot) => (
          <>
            {orders.map((order) => (
              <Order key={order.orderId} order={order} />
            ))}
            {foot}
          </>
        )}
      </Paged>
    </section>
  );
}

const HEAD = ["Order", "Date", "Total", "Currency", "Contents", "Refunds", "Parcels", "Status"];

function Order({ order }: { order: CustomerOrderDetail }) {
  const { zone } = useView();
  const day = (at: Timestamp | undefined): string => (at ? date(timestampDate(at), zone) : "");
  const buyer = [order.firstName, order.lastName, order.email && `<${order.email}>`].filter(Boolean).join(" ");
  const amount = (text: string): string => money(text, order.currency);
  return (
    <details class="event order-detail">
      <summary>
        <time>{order.orderedAt && moment(timestampDate(order.orderedAt), zone)}</time>
        <b>{order.orderId}</b>
        <span class="what">
          {order.lines
            .slice(0, MOST_NAMED)
            .map((line) => `${line.qty} × ${line.name || line.sku}`)
            .join(", ")}
          {order.lines.length > MOST_NAMED && ` and ${count(order.lines.length - MOST_NAMED)} more`}
        </span>
        {order.status && order.status !== "paid" && <span class="kind">{order.status}</span>}
        {order.refunds.some((refund) => refund.flag !== VOID) && <span class="kind refund">refunded</span>}
        <b class="number">{amount(order.total)}</b>
      </summary>
      <div class="event-details">
        <ul>
          {order.lines.map((line, index) => (
            <li key={index}>
              {count(line.qty)} × {line.name || line.sku} at {price(line.price, order.currency)}
            </li>
          ))}
        </ul>
        {order.refunds.length > 0 && <h3>Refunds</h3>}
        <ul>
          {order.refunds.map((refund, index) => (
            <li key={index}>
              {day(refund.occurredAt)}: {refund.refundType}, {money(refund.amount, refund.currency)}
              {refund.flag === VOID ? " (counts nothing: the order is void)" : refund.flag && ` (${words(refund.flag)})`}
            </li>
          ))}
        </ul>
        {order.parcels.length > 0 && <h3>Parcels</h3>}
        <ul>
          {order.parcels.map((parcel) => (
            <li key={parcel.shipmentId}>
              {parcel.shipmentId}
              {parcel.carrier && ` by ${parcel.carrier}`}
              {parcel.trackingNumber && `, ${parcel.trackingNumber}`}
              {parcel.dateShipped && `, shipped ${day(parcel.dateShipped)}`}
              {parcel.dateDelivered && `, delivered ${day(parcel.dateDelivered)}`}
            </li>
          ))}
        </ul>
        {buyer && <p class="note">bought by {buyer}</p>}
        {order.revisions > 1n && <p class="note">changed {count(order.revisions)} times</p>}
      </div>
    </details>
  );
}
