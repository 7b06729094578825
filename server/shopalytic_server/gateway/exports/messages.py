"""Events that Segment and Google Analytics exported as JSON Lines, mapped as those of their SDKs are."""

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from shopalytic_server.domain.formats import strict_json
from shopalytic_server.gateway.compatibility.message import Numbering
from shopalytic_server.gateway.compatibility.tools import ga4, segment
from shopalytic_server.gateway.compatibility.translation import translate
from shopalytic_server.gateway.exports.orders import Made
from shopalytic_server.gateway.exports.rows import ExportError, Row, opened

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "shopalytic:import")
# A message with every character escaped.
_LONGEST_LINE = 2 * 1024 * 1024
_VALUES = ("string_value", "int_value", "double_value", "float_value")


def read_messages(path: str, system: str, most_bytes: int | None = None) -> Iterator[Made]:
    """The events of one file of Segment's raw messages, or of Google's BigQuery export.

    Raises ExportError for what is no JSON Lines.
    """
    numbering = Numbering(_NAMESPACE)
    name = Path(path).name
    for number, text in _lines(path, name, most_bytes):
        row = Row(name, number, {})
        try:
            item: Any = strict_json.read(text.decode())
        except (ValueError, RecursionError):
            item = None
        if not isinstance(item, dict):
            yield Made(row, {"type": None})
            continue
        message = segment.read_message(item, None, {}) if system == "segment" else _of_google(item)
        numbering.identify(message)
        for made in translate(message, _NAMESPACE):
            yield Made(row, {**made.event, "source": system})


def _lines(path: str, name: str, most_bytes: int | None) -> Iterator[tuple[int, bytes]]:
    """The lines that are not blank, with their numbers."""
    with opened(path, most_bytes) as file:
        is_first = True
        for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE + 1), b""), 1):
            if len(line) > _LONGEST_LINE:
                raise ExportError(f"{name}: line {number} is longer than {_LONGEST_LINE:,} bytes.")
            text = (line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line).strip()
            if text and is_first and not text.startswith(b"{"):
                raise ExportError(
                    f"{name} is not JSON Lines: line {number} is not one JSON object from {{ to }}."
                )
            if text:
                is_first = False
                yield number, text


def _of_google(item: dict[str, Any]) -> Any:
    """https://support.google.com/analytics/answer/7029846: parameters are a list of keys and values."""
    params = {}
    for each in item.get("event_params") or ():
        if isinstance(each, dict) and isinstance(value := each.get("value"), dict):
            params[str(each.get("key"))] = next(
                (value[name] for name in _VALUES if value.get(name) is not None), None
            )
    ecommerce = item.get("ecommerce")
    if isinstance(ecommerce, dict):
        params |= {
            "transaction_id": ecommerce.get("transaction_id") or params.get("transaction_id"),
            "value": ecommerce.get("purchase_revenue") or params.get("value"),
            "tax": ecommerce.get("tax_value") or params.get("tax"),
            "shipping": ecommerce.get("shipping_value") or params.get("shipping"),
        }
    if item.get("items"):
        params["items"] = item["items"]
    beside = {"client_id": item.get("user_pseudo_id"), "user_id": item.get("user_id")}
    event = {
        "name": item.get("event_name"),
        "params": {name: value for name, value in params.items() if value is not None},
        "timestamp_micros": item.get("event_timestamp"),
    }
    return ga4.read_event(event, None, beside)
