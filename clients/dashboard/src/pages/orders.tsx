/** A customer's orders, each with its products, refunds and parcels. */
import { timestampDate, type Timestamp } from "@bufbuild/protobuf/wkt";
import type { CustomerOrderDetail } from "contract/reports_pb";
import { count, money, price } from "../amounts";
import { Folded } from "../parts/folded";
import { useView } from "../view";
import { date, moment } from "../zones";

const MOST_NAMED = 4;

/** The answer has the latest hundred; `all` says how many there are. */
export function Orders({ orders, all }: { orders: CustomerOrderDetail[]; all: bigint }) {
  return (
    <section class="card" aria-labelledby="orders">
      <header class="card-head">
        <h2 id="orders">Orders</h2>
      </header>
      <Folded items={orders}>{(shown) => shown.map((order) => <Order key={order.orderId} order={order} />)}</Folded>
      {all > BigInt(orders.length) && (
        <p class="note">
          These are the latest {count(orders.length)} of {count(all)}. The older ones are in the timeline: choose “order” there.
        </p>
      )}
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
        <span class="what">
          {order.lines
            .slice(0, MOST_NAMED)
            .map((line) => `${line.qty} × ${line.name || line.sku}`)
            .join(", ")}
          {order.lines.length > MOST_NAMED && ` and ${count(order.lines.length - MOST_NAMED)} more`}
        </span>
        {order.refunds.length > 0 && <span class="kind refund">refunded</span>}
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
