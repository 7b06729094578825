/** A customer's orders, each with its products, refunds and parcels. */
import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import type { CustomerOrderDetail } from "contract/reports_pb";
import { count, money } from "../amounts";
import { useView } from "../view";
import { date, moment } from "../zones";

export function Orders({ orders }: { orders: CustomerOrderDetail[] }) {
  return (
    <section class="card" aria-labelledby="orders">
      <header class="card-head">
        <h2 id="orders">Orders</h2>
      </header>
      {orders.map((order) => (
        <Order key={order.orderId} order={order} />
      ))}
    </section>
  );
}

function Order({ order }: { order: CustomerOrderDetail }) {
  const { zone } = useView();
  const day = (at: Timestamp | undefined): string => (at ? date(timestampDate(at), zone) : "");
  const amount = (text: string): string => money(text, order.currency);
  return (
    <details class="event order-detail">
      <summary>
        <time>{order.orderedAt && moment(timestampDate(order.orderedAt), zone)}</time>
        <b>{order.orderId}</b>
        <span class="what">{order.lines.map((line) => `${line.qty} × ${line.name || line.sku}`).join(", ")}</span>
        {order.refunds.length > 0 && <span class="kind refund">refunded</span>}
        <b class="number">{amount(order.total)}</b>
      </summary>
      <div class="event-details">
        <ul>
          {order.lines.map((line, index) => (
            <li key={index}>
              {count(line.qty)} × {line.name || line.sku} at {amount(line.price)}
            </li>
          ))}
        </ul>
        {order.refunds.length > 0 && <h3>Refunds</h3>}
        <ul>
          {order.refunds.map((refund, index) => (
            <li key={index}>
              {day(refund.occurredAt)}: {refund.refundType}, {money(refund.amount, refund.currency)}
              {refund.flag && ` (${refund.flag.replace(/_/g, " ")})`}
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
        {order.revisions > 1n && <p class="note">changed {count(order.revisions)} times</p>}
      </div>
    </details>
  );
}
