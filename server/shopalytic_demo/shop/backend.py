"""The shop's backend service: tells what only a backend knows, by the Python client over gRPC."""

from typing import Any

from shopalytic import AsyncClient, DeliveryError, InvalidEvent, Result, Violation
from shopalytic_demo.shop import payloads
from shopalytic_demo.shop.basket import Amounts, amounts_of
from shopalytic_demo.shop.state import Account, Order, SentEvent, Session, new_id
from shopalytic_demo.shop.times import now

SOURCE = "shop-backend"
CARRIER = "dhl"


class Backend:
    """What a real shop's order system, warehouse and accounts would send, where they would send it."""

    def __init__(self, grpc_address: str, server_key: str) -> None:
        # Customers never wait for analytics: past the queue's bound the oldest events go.
        self._client = AsyncClient(
            grpc_address,
            server_key,
            source=SOURCE,
            linger=0.0,
            max_queue=2_000,
            overflow="drop_oldest",
            on_result=self._answered,
            on_error=self._lost,
        )
        self._unanswered: dict[str, SentEvent] = {}

    async def close(self, patience: float) -> None:
        """Deliver what waits, within so many seconds."""
        await self._client.close(patience)

    async def registered(self, session: Session, account: Account, tracking_id: str | None) -> None:
        """An account was made."""
        profile = {
            "email": account.email,
            "first_name": account.first_name,
            "last_name": account.last_name,
        }
        await self._send(session, "customer_register", profile, account.identity, tracking_id)

    async def renamed(self, session: Session, account: Account, tracking_id: str | None) -> None:
        """Somebody changed their name."""
        names = {"first_name": account.first_name, "last_name": account.last_name}
        await self._send(session, "customer_update", names, account.identity, tracking_id)

    async def ordered(self, session: Session, order: Order, cart_id: str, payment_type: str) -> None:
        """An order was placed."""
        properties = payloads.order(
            order.order_id,
            cart_id,
            order.lines,
            order.amounts,
            code=order.code,
            address={name: order.delivery[name] for name in ("city", "zipcode", "country")},
            payment_type=payment_type,
        )
        await self._send_about(session, order, "order", properties)

    async def refund_all(self, session: Session, order: Order) -> None:
        """Give back what is left of the order's total."""
        if order.is_fully_refunded:
            return
        order.refunded = order.amounts.total
        await self._send_about(session, order, "refund", payloads.full_refund(order.order_id))

    async def refund_piece(self, session: Session, order: Order) -> None:
        """Take one piece back and pay for it."""
        piece = order.next_return()
        if piece is None or order.is_fully_refunded:
            return
        order.returned[piece.sku] = order.returned.get(piece.sku, 0) + 1
        order.refunded += payloads.refund_amount(piece, order.code)
        properties = payloads.piece_refund(order.order_id, piece, order.code)
        await self._send_about(session, order, "refund", properties)

    async def ship(self, session: Session, order: Order) -> None:
        """Hand the parcel to the carrier."""
        if order.shipment_id:
            return
        order.shipment_id, order.tracking_number = new_id("PARCEL"), new_id("TRK")
        properties = payloads.shipment(
            order.order_id, order.shipment_id, CARRIER, order.tracking_number, now()
        )
        await self._send_about(session, order, "shipment", properties)

    async def deliver(self, session: Session, order: Order) -> None:
        """The carrier says that the parcel has arrived."""
        if not order.shipment_id or order.delivered:
            return
        order.delivered = True
        properties = payloads.shipment_delivered(order.order_id, order.shipment_id, now())
        await self._send_about(session, order, "shipment_delivered", properties)

    async def _send_about(
        self, session: Session, order: Order, kind: str, properties: dict[str, Any]
    ) -> None:
        await self._send(session, kind, properties, order.owner, order.tracking_id)

    async def _send(
        self,
        session: Session,
        kind: str,
        properties: dict[str, Any],
        identity: str | None,
        tracking_id: str | None,
    ) -> None:
        # Where the tag was blocked there is no tracking cookie; the shop's own name for the visit must do.
        device = tracking_id if tracking_id or identity else f"session-{session.token[:12]}"
        try:
            event_id = await self._client.track_any(kind, properties, identity=identity, tracking_id=device)
        except InvalidEvent as refusal:
            violations = [_as_json(violation) for violation in refusal.violations]
            session.events.append(SentEvent(new_id("UNSENT"), kind, properties, "REJECTED", violations))
            return
        sent = SentEvent(event_id, kind, properties)
        session.events.append(sent)
        self._unanswered[event_id] = sent

    def _answered(self, result: Result) -> None:
        sent = self._unanswered.pop(result.event_id, None)
        if sent is not None:
            sent.status = str(result.status)
            sent.violations = [_as_json(violation) for violation in result.violations]

    def _lost(self, error: DeliveryError) -> None:
        reason = {"field": "", "rule_id": f"client.{error.reason}", "message": "It could not be delivered."}
        for event in error.events:
            sent = self._unanswered.pop(event.event_id, None)
            if sent is not None:
                sent.status, sent.violations = "REJECTED", [reason]


def new_order(session: Session, tracking_id: str | None) -> Order:
    """An order of what is in the cart."""
    cart = session.cart
    lines = cart.lines
    amounts: Amounts = amounts_of(lines, cart.code)
    owner = session.account.identity if session.account else None
    return Order(new_id("ORDER"), lines, amounts, cart.code, dict(session.delivery), owner, tracking_id)


def _as_json(violation: Violation) -> dict[str, str]:
    return {"field": violation.field, "rule_id": violation.rule_id, "message": violation.message}
