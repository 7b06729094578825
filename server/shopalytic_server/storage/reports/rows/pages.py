"""Pages of lists that are compared: both ranges are asked for all rows, and the page is cut afterwards.

What is the twentieth in one range may be the first in the other, so a page of
each would not have the same rows.
"""

from collections.abc import Iterator
from typing import Any

from shopalytic.v1 import reports_pb2

# More rows than there are.
_ALL = 2**31 - 1
# The lists of an answer, or of its blocks, and what tells how long each is.
_LISTS = {
    "rows": ("total_products", "total_rows"),
    "landing_pages": ("total_landing_pages",),
    "referrers": ("total_referrers",),
    "campaigns": ("total_campaigns",),
}
_DEFAULT_LIMIT, _DEFAULT_LIMIT_OF_TRAFFIC = 100, 50
# What these list beside their rows is not compared.
_NOT_COMPARED = (reports_pb2.GetCartReportRequest, reports_pb2.GetSegmentReportRequest)


def unpaged(request: Any) -> Any:
    """The same request for all rows of its list."""
    whole = type(request)()
    whole.CopyFrom(request)
    if "limit" in request.DESCRIPTOR.fields_by_name and not isinstance(request, _NOT_COMPARED):
        whole.limit, whole.offset = _ALL, 0
    return whole


def beside(request: Any) -> Any:
    """The request for what stands beside its rows: all that the other range has."""
    whole = unpaged(request)
    whole.scope.breakdown_limit = _ALL
    if isinstance(whole, reports_pb2.GetCartReportRequest):
        whole.limit, whole.offset = 1, 0
    if isinstance(whole, reports_pb2.GetSegmentReportRequest):
        whole.ClearField("list")
    return whole


def cut_to_page(answer: Any, request: Any) -> None:
    """Leaves the page that was asked for of an answer with all rows."""
    if "limit" not in request.DESCRIPTOR.fields_by_name or isinstance(request, _NOT_COMPARED):
        return
    is_traffic = isinstance(request, reports_pb2.GetTrafficReportRequest)
    limit = request.limit or (_DEFAULT_LIMIT_OF_TRAFFIC if is_traffic else _DEFAULT_LIMIT)
    for block in (answer, *getattr(answer, "reports", ())):
        for rows, total in _lists(block):
            all_rows = getattr(block, rows)
            setattr(block, total, len(all_rows))
            del all_rows[request.offset + limit :]
            del all_rows[: request.offset]
            if rows == "rows" and "more_rows" in block.DESCRIPTOR.fields_by_name:
                block.more_rows = getattr(block, total) - len(all_rows)


def _lists(block: Any) -> Iterator[tuple[str, str]]:
    names = block.DESCRIPTOR.fields_by_name
    for rows, totals in _LISTS.items():
        for total in totals:
            if rows in names and total in names:
                yield rows, total
