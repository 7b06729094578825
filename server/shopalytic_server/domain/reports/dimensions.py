"""By what reports are filtered and broken down, and which dimension fits which report."""

import difflib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from shopalytic.events.violations import Violation
from shopalytic_server.domain.errors import InvalidRequest


class Operator(StrEnum):
    """How a filter compares."""

    IS = "is"
    IS_NOT = "is not"
    ONE_OF = "one of"
    CONTAINS = "contains"
    IS_SET = "is set"


@dataclass(frozen=True, slots=True)
class Filter:
    """A condition on a dimension: one value, several for ONE_OF, none for IS_SET."""

    dimension: str
    operator: Operator
    values: tuple[str, ...] = ()


class Attribution(StrEnum):
    """Which visit gets the credit for what a customer did."""

    FIRST = "first"
    LAST = "last"
    LAST_NON_DIRECT = "last_non_direct"
    LINEAR = "linear"


CAME_FROM = frozenset(
    {
        "channel",
        "utm_source",
        "utm_medium",
        "utm_campaign",
        "utm_term",
        "utm_content",
        "referrer_host",
        "landing_page",
    }
)
"""What a visit says of how it came. Of an order, it is that of the visit that gets the credit."""

EQUIPMENT = frozenset({"device", "os", "browser", "language", "page_type"})
"""What a visit says besides. Of an order, it is that of the last visit before it."""

PLACE = frozenset({"country", "region", "city"})
"""Of an order it is that of its address; where it has none, that of the last visit before it."""

CUSTOMER = frozenset({"customer_type", "segment"})

LINES = frozenset({"sku", "category"})
"""What chooses lines of orders."""

SEVERAL = frozenset({"category", "coupon", "carrier"})
"""Of these one order or product may have several values, so rows of a breakdown need not add up."""

# In the order in which people read them.
DIMENSIONS = (
    "country",
    "region",
    "city",
    "device",
    "os",
    "browser",
    "language",
    "channel",
    "utm_source",
    "utm_medium",
    "utm_campaign",
    "utm_term",
    "utm_content",
    "referrer_host",
    "landing_page",
    "page_type",
    "sku",
    "category",
    "coupon",
    "payment_type",
    "carrier",
    "customer_type",
    "segment",
    "sent_by",
)

_VISIT = CAME_FROM | EQUIPMENT | PLACE | CUSTOMER | {"sent_by"}
_ORDER = _VISIT | {"coupon", "payment_type", "carrier"}

FITS: dict[str, frozenset[str]] = {
    "sales": _ORDER | LINES,
    "funnel": _VISIT,
    "products": _VISIT | LINES | {"coupon", "payment_type"},
    "retention": _ORDER,
    "carts": _VISIT | LINES,
    "fulfilment": _ORDER,
    "traffic": _VISIT,
    "conversion": _VISIT,
    "coupons": _ORDER,
    "searches": _VISIT,
    "segments": frozenset(),
    "lifetime": _ORDER | LINES,
    "delivery": frozenset(),
}
"""The dimensions of each report."""

_REPORTS = {
    "segments": "who is told by all orders of a customer",
    "delivery": "which counts what arrived, not what it says",
}


def check_dimensions(report: str, filters: Sequence[Filter], breakdowns: Sequence[str]) -> None:
    """Raises InvalidRequest where a dimension is none, or does not fit the report."""
    named = [(f"scope.filters[{place}].dimension", each.dimension) for place, each in enumerate(filters)]
    named += [(f"scope.breakdowns[{place}]", each) for place, each in enumerate(breakdowns)]
    broken = [_violation(field, report, name) for field, name in named if name not in FITS[report]]
    if broken:
        raise InvalidRequest(broken)


def _violation(field: str, report: str, name: str) -> Violation:
    fitting = [each for each in DIMENSIONS if each in FITS[report]]
    if name not in DIMENSIONS:
        close = difflib.get_close_matches(name, fitting, 1)
        hint = f"; did you mean {close[0]}?" if close else f"; the report {report} has {_listed(fitting)}"
        return Violation(field, "dimension.known", f"{name!r} is no dimension{hint}")
    if not fitting:
        why = _REPORTS.get(report, "")
        message = f"{name} does not fit the report {report}, {why}; leave filters and breakdowns out"
        return Violation(field, "dimension.fits", message)
    message = f"{name} does not fit the report {report}; it has {_listed(fitting)}"
    return Violation(field, "dimension.fits", message)


def _listed(names: Collection[str]) -> str:
    return ", ".join(names)
