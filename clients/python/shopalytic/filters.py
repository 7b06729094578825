"""Filters, comparisons and attribution of reports, by the words that people write."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from shopalytic.v1 import dimensions_pb2

_FORM = re.compile(r"([a-z_]+)(!=|=|~)(.*)", re.DOTALL)
_OPERATORS = {
    "=": dimensions_pb2.FILTER_OPERATOR_IS,
    "!=": dimensions_pb2.FILTER_OPERATOR_IS_NOT,
    "~": dimensions_pb2.FILTER_OPERATOR_CONTAINS,
}
_PERIODS = {
    "previous": dimensions_pb2.COMPARED_PERIOD_PREVIOUS,
    "last-year": dimensions_pb2.COMPARED_PERIOD_LAST_YEAR,
}
ATTRIBUTIONS = ("first", "last", "last-non-direct", "linear")


def report_filters(texts: Iterable[str]) -> list[dimensions_pb2.Filter]:
    """Filters as they are written: "country=DEU", "country!=DEU", "city~burg"; raises ValueError.

    "country=" is where it is not known, "country!=" where it is. Several values
    that one dimension is to have ("country=DEU", "country=AUT") are one filter: any
    of them will do.
    """
    found: list[dimensions_pb2.Filter] = []
    same: dict[str, dimensions_pb2.Filter] = {}
    for text in texts:
        match = _FORM.fullmatch(text)
        if match is None:
            raise ValueError(
                f"{text!r} is no filter; write DIMENSION=VALUE, DIMENSION!=VALUE or DIMENSION~TEXT."
            )
        dimension, sign, value = match.groups()
        if sign == "=" and dimension in same:
            same[dimension].operator = dimensions_pb2.FILTER_OPERATOR_ONE_OF
            same[dimension].values.append(value)
            continue
        given = dimensions_pb2.Filter(dimension=dimension, operator=_OPERATORS[sign], values=[value])
        found.append(given)
        if sign == "=":
            same[dimension] = given
    return found


def report_comparison(
    compare: str | tuple[datetime, datetime], *, same_time: bool = False
) -> dimensions_pb2.Comparison:
    """The comparison with "previous", "last-year", or a begin and an end; raises ValueError."""
    if isinstance(compare, str):
        if compare not in _PERIODS:
            raise ValueError(
                f"{compare!r} is no range to compare with; it is previous, last-year or a range."
            )
        return dimensions_pb2.Comparison(period=_PERIODS[compare], same_time=same_time)
    message = dimensions_pb2.Comparison(same_time=same_time)
    for name, moment in zip(("from", "to"), compare, strict=True):
        if moment.tzinfo is None:
            raise ValueError(f"compare has no time zone at its {name}; give it one, such as datetime.UTC.")
        time: Timestamp = getattr(message, name)
        time.FromDatetime(moment)
    return message


def report_attribution(name: str) -> dimensions_pb2.Attribution:
    """The attribution of this name; raises ValueError."""
    if name not in ATTRIBUTIONS:
        raise ValueError(f"{name!r} is no attribution; it is {', '.join(ATTRIBUTIONS)}.")
    found: dimensions_pb2.Attribution = getattr(
        dimensions_pb2, f"ATTRIBUTION_{name.upper().replace('-', '_')}"
    )
    return found
