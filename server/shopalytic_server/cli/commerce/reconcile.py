"""`shopalytic reconcile`: finds the orders that the shop has and the store has not, and sends them."""

import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from shopalytic.v1 import reports_pb2, reports_pb2_grpc
from shopalytic.v1.events_pb2 import Event
from shopalytic_server.cli.commerce.reconcile_book import Book, read_book
from shopalytic_server.cli.dates import Moment, moment
from shopalytic_server.cli.errors import Failure
from shopalytic_server.cli.ingest.import_send import Sender, Tally
from shopalytic_server.cli.options import REMOTE, json_option, with_settings
from shopalytic_server.cli.output import print_json, print_table, say
from shopalytic_server.cli.remote import CALL_SECONDS, Remote, connect
from shopalytic_server.cli.reports.question import Zone, project_zone, visible_project
from shopalytic_server.config import Settings
from shopalytic_server.domain.commerce.reconciliation import Comparison, Order, compare
from shopalytic_server.domain.formats.terminal_text import one_line

PAGE = 1_000
PATIENCE_SECONDS = 60.0
SOURCE = "reconcile"
SKU = "unknown"

# The shop's own event of the same order, which has more to tell, must win when
# it comes after all: of an order's contents the one that happened last counts.
_BEFORE_THE_ORDER = timedelta(hours=1)
_NAMESPACE = uuid.UUID("5b0c6f0e-7f0b-5c58-9d0a-3f4f6f0f8a11")


def _currency_code(_context: click.Context, _option: click.Parameter, given: str | None) -> str | None:
    if given is not None and not re.fullmatch("[A-Za-z]{3}", given):
        raise click.BadParameter(f"{given!r} is not a currency's code such as EUR.")
    return given and given.upper()


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--from", "start", type=Moment(), help="Start of the range.  [default: the list's first order]")
@click.option("--to", "end", type=Moment(), help="End, exclusive.  [default: after the list's last order]")
@click.option("--time-zone", type=Zone(), help="Time zone where none is given.  [default: the project's]")
@click.option(
    "--time-tolerance",
    type=click.IntRange(0, 86_400),
    default=60,
    show_default=True,
    metavar="SECONDS",
    help="Times no further apart than this are equal.",
)
@click.option("--id-column", metavar="NAME", help="Column with the order's id.  [default: by its name]")
@click.option("--total-column", metavar="NAME", help="Column with the total.  [default: by its name]")
@click.option("--time-column", metavar="NAME", help="Column with the time.  [default: by its name]")
@click.option("--currency-column", metavar="NAME", help="Column with the currency.  [default: by its name]")
@click.option(
    "--currency",
    metavar="CODE",
    callback=_currency_code,
    help="Currency of a list without such a column.  [default: the project's]",
)
@click.option("--customer-column", metavar="NAME", help="Column with the identity.  [default: by its name]")
@click.option(
    "--source",
    metavar="LABEL",
    default=SOURCE,
    help="Source that the list's orders are numbered with, where sources number apart.  "
    "[default: those in no group of order numbers]",
)
@click.option("--sandbox", is_flag=True, help="Compare with trial orders.")
@click.option("--backfill", is_flag=True, help="Send an order event for each missing order.")
@with_settings(*REMOTE)
@json_option
def reconcile(
    settings: Settings,
    file: Path,
    start: str | None,
    end: str | None,
    time_zone: str | None,
    currency: str | None,
    time_tolerance: int,
    source: str,
    sandbox: bool,
    backfill: bool,
    as_json: bool,
    **columns: str | None,
) -> None:
    """Compare FILE, a CSV list of the shop's orders, with the stored ones.

    FILE has a header line and columns for the order's id, total and time, and
    perhaps currency and customer; the order lists that Shopify and WooCommerce
    export are read as they are. The command says which columns it took. Exit
    code 1 when something differs and was not mended.

    With --backfill each missing order is sent with what the list tells: its
    total and one line of the product "unknown", from the source "reconcile", or
    the one that --source names. When the shop's own event comes later, it takes
    this one's place. Doing it again sends nothing twice. It needs a server key
    besides the reports key: both are in the data directory of `serve`.

    Where sources number their orders apart (`project update --order-number-group`),
    --source says whose list it is: one of the sources of a group.

    Orders of customers who were erased are not compared, nor sent again.

    \b
    Example:  shopalytic reconcile orders.csv
    Example:  shopalytic reconcile may.csv --from 2026-05-01 --to 2026-06-01 --time-zone Europe/Berlin
    Example:  shopalytic reconcile orders.csv --backfill
    Example:  shopalytic reconcile orders-fr.csv --source shop-fr
    """
    names = {name.removesuffix("_column"): value for name, value in columns.items()}
    with connect(settings, "reports") as remote:
        _check_source(settings, remote, source)
        zone = time_zone or project_zone(settings, remote)
        book = read_book(file, names, ZoneInfo(zone), currency)
        begin, finish = _range(book, start, end, zone)
        listed = {order.order_id: order for order in book.orders.values() if begin <= order.at < finish}
        asked = reports_pb2.ListOrdersRequest(page_size=PAGE, sandbox=sandbox, source=source)
        stored, erased = _stored(remote, asked, listed, begin, finish)
        found = compare(listed, stored, erased=erased, time_tolerance=timedelta(seconds=time_tolerance))
        _look_elsewhere(remote, found.missing, asked, backfill)
    tally = _backfill(settings, book, found.missing, asked) if backfill and found.missing else None
    if as_json:
        print_json(
            {"columns": book.columns, "time_zone": zone, "currency": book.currency, **_data(found, tally)}
        )
    else:
        say(_taken(book, zone), err=True)
        _print(found, tally)
    mended = tally is not None and tally.counts["accepted"] + tally.counts["duplicate"] == len(found.missing)
    if found.extra or found.different or (found.missing and not mended):
        raise SystemExit(1)


def _check_source(settings: Settings, remote: Remote, source: str) -> None:
    """Raises UsageError where the project can be seen and no group of order numbers has the source."""
    project = visible_project(settings, remote) if source != SOURCE else None
    if project is None:
        return
    grouped = {label for group in project.order_number_groups for label in group.sources}
    if source not in grouped:
        known = ", ".join(map(one_line, sorted(grouped))) or "there is none"
        raise click.UsageError(
            f"No source {one_line(source)} numbers its orders apart. Groups of order numbers have: {known}."
        )


def _taken(book: Book, zone: str) -> str:
    """How the list was read."""
    columns = ", ".join(f"{what} from {name!r}" for what, name in book.columns.items())
    told = (
        ""
        if "currency" in book.columns
        else f" All totals are in {book.currency or 'the currency of the project'}."
    )
    return f"Columns: {columns}.{told} Times without an offset are in {zone}."


def _range(book: Book, start: str | None, end: str | None, zone: str) -> tuple[datetime, datetime]:
    times = [order.at for order in book.orders.values()]
    if not times and (start is None or end is None):
        raise click.UsageError("The list has no order; say with --from and --to which range it is about.")
    begin = moment(start, zone) if start else min(times)
    finish = moment(end, zone) if end else max(times) + timedelta(microseconds=1)
    if begin >= finish:
        raise click.UsageError("--to must be after --from.")
    return begin, finish


def _stored(
    remote: Remote,
    asked: reports_pb2.ListOrdersRequest,
    listed: dict[str, Order],
    begin: datetime,
    finish: datetime,
) -> tuple[list[Order], set[str]]:
    """The orders of the range, and those of the list wherever they are; and which of these were erased.

    Orders that are cancelled or failed are here only if the shop lists them: nobody else misses them.
    """
    erased: set[str] = set()
    request = _copy(asked)
    getattr(request, "from").FromDatetime(begin)
    request.to.FromDatetime(finish)
    orders = {
        order.order_id: order
        for order, counts in _ask(remote, request, erased)
        if counts or order.order_id in listed
    }
    for request in _by_number(asked, [order_id for order_id in listed if order_id not in orders]):
        orders |= {order.order_id: order for order, _ in _ask(remote, request, erased)}
    return list(orders.values()), erased


def _copy(asked: reports_pb2.ListOrdersRequest) -> reports_pb2.ListOrdersRequest:
    request = reports_pb2.ListOrdersRequest()
    request.CopyFrom(asked)
    return request


def _by_number(
    asked: reports_pb2.ListOrdersRequest, order_ids: Sequence[str]
) -> Iterator[reports_pb2.ListOrdersRequest]:
    """The same question about some orders, as many as one may ask for at once."""
    for at in range(0, len(order_ids), PAGE):
        request = _copy(asked)
        request.order_ids.extend(order_ids[at : at + PAGE])
        yield request


def _ask(
    remote: Remote, request: reports_pb2.ListOrdersRequest, erased: set[str]
) -> Iterator[tuple[Order, bool]]:
    """Each order of an answer's pages, and whether it counts."""
    for answer in _pages(remote, request):
        erased.update(answer.erased_order_ids)
        for order in answer.orders:
            at = order.ordered_at.ToDatetime(UTC)
            counts = order.status not in ("cancelled", "failed")
            yield Order(order.order_id, Decimal(order.total), at, order.currency), counts


def _pages(
    remote: Remote, request: reports_pb2.ListOrdersRequest
) -> Iterator[reports_pb2.ListOrdersResponse]:
    stub = reports_pb2_grpc.ReportServiceStub(remote.channel)
    while True:
        answer = stub.ListOrders(request, metadata=remote.metadata, timeout=CALL_SECONDS)
        yield answer
        if not answer.next_page_token:
            return
        request.page_token = answer.next_page_token


def _look_elsewhere(
    remote: Remote, missing: Sequence[Order], question: reports_pb2.ListOrdersRequest, backfill: bool
) -> None:
    """Tells of missing orders whose number a source has that numbers apart; raises Failure before a backfill.

    To send them would count them twice, if the list is that source's. Who names a source has decided.
    """
    if question.source != SOURCE:
        return
    asked = reports_pb2.ListOrdersRequest(page_size=PAGE, sandbox=question.sandbox)
    others = [
        order.source
        for request in _by_number(asked, [order.order_id for order in missing])
        for answer in _pages(remote, request)
        for order in answer.orders
    ]
    if not others:
        return
    told = (
        f"{len(others):,} orders with numbers of the missing ones are of sources that number apart"
        f" ({', '.join(map(one_line, sorted(set(others))))}). Say with --source whose list this is"
    )
    if backfill:
        raise Failure(f"{told}; nothing was sent.")
    say(f"{told}.", err=True)


def _backfill(
    settings: Settings, book: Book, missing: Sequence[Order], asked: reports_pb2.ListOrdersRequest
) -> Tally:
    tally = Tally()
    with (
        connect(settings, "server") as remote,
        Sender(remote, tally, PATIENCE_SECONDS, lambda text: say(text, err=True)) as sender,
    ):
        for number, order in enumerate(missing, 1):
            customer = book.customers.get(order.order_id)
            sender.add(number, order_event(order, customer, asked.sandbox, asked.source))
        sender.finish()
    return tally


def order_event(order: Order, customer: str | None, sandbox: bool, source: str = SOURCE) -> Event:
    """The event of an order of which only this is known; the same for the same order, so stored once."""
    total = f"{order.total:f}"
    name = f"{order.order_id}\n{total}\n{order.currency}\n{order.at.isoformat()}\n{customer}"
    # As it was before sources could number apart: what is sent again is a duplicate.
    name += f"\n{source}" if source != SOURCE else ""
    event = Event(event_id=str(uuid.uuid5(_NAMESPACE, name)), source=source, sandbox=sandbox)
    event.occurred_at.FromDatetime(order.at - _BEFORE_THE_ORDER)
    number = order.order_id if source == SOURCE else f"{order.order_id}\n{source}"
    nobody = f"reconcile-{uuid.uuid5(_NAMESPACE, number)}"
    if customer:
        event.identity = customer
    else:
        event.tracking_id = nobody
    details = event.order
    details.order_id, details.cart_id = order.order_id, nobody
    details.total = details.subtotal = total
    details.line_items.add(sku=SKU, price=total, qty=1)
    details.order_date.FromDatetime(order.at)
    if order.currency:
        details.currency = order.currency
    return event


def _data(found: Comparison, tally: Tally | None) -> dict[str, Any]:
    data: dict[str, Any] = {
        "equal": found.equal,
        "erased": found.erased,
        "missing": [_order_data(order) for order in found.missing],
        "extra": [_order_data(order) for order in found.extra],
        "different": [
            {
                "listed": _order_data(each.listed),
                "stored": _order_data(each.stored),
                "fields": list(each.fields),
            }
            for each in found.different
        ],
    }
    if tally is not None:
        data["backfilled"] = dict(tally.counts)
    return data


def _order_data(order: Order) -> dict[str, Any]:
    return {
        "order_id": order.order_id,
        "total": f"{order.total:f}",
        "currency": order.currency,
        "time": _text(order.at),
    }


def _text(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _print(found: Comparison, tally: Tally | None) -> None:
    columns = ["order", "what", "listed", "stored"]
    rows = [(order.order_id, "missing", _brief(order), "") for order in found.missing]
    rows += [(order.order_id, "extra", "", _brief(order)) for order in found.extra]
    rows += [
        (each.listed.order_id, f"other {' and '.join(each.fields)}", _brief(each.listed), _brief(each.stored))
        for each in found.different
    ]
    if rows:
        print_table(columns, rows)
    say(
        f"{found.equal:,} orders are equal, {len(found.missing):,} missing, {len(found.extra):,} extra, "
        f"{len(found.different):,} different."
    )
    if found.erased:
        say(f"{found.erased:,} more are of customers who were erased.")
    if tally is not None:
        say("Sent the missing ones: " + _counts(tally.counts.items()) + ".")
        for (word, rule), examples in tally.examples.items():
            for example in examples:
                say(f"  {word} [{rule}] {example.field}: {one_line(example.message)}", err=True)


def _brief(order: Order) -> str:
    return f"{order.total:f} {order.currency or ''}".strip() + f" at {_text(order.at)}"


def _counts(counts: Iterable[tuple[str, int]]) -> str:
    return ", ".join(f"{count:,} {word}" for word, count in counts)
