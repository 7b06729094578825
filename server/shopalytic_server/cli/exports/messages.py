"""Events that Segment and Google Analytics exported as JSON Lines, mapped as those of their SDKs are."""

import uuid
from collections.abc import Iterator
from typing import Any

from shopalytic_server.cli.exports.orders import Made
from shopalytic_server.cli.exports.rows import Row
from shopalytic_server.cli.json_lines import LineFile
from shopalytic_server.domain.formats import strict_json
from shopalytic_server.gateway.compatibility.message import Numbering
from shopalytic_server.gateway.compatibility.tools import ga4, segment
from shopalytic_server.gateway.compatibility.translation import translate

_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "shopalytic:import")
_VALUES = ("string_value", "int_value", "double_value", "float_value")


def read_messages(path: str, system: str) -> Iterator[Made]:
    """The events of one file of Segment's raw messages, or of Google's BigQuery export."""
    numbering = Numbering(_NAMESPACE)
    with LineFile(path) as lines:
        for line in lines:
            row = Row(path, line.number, {})
            try:
                item: Any = strict_json.read(line.text.decode())
            except (ValueError, RecursionError):
                item = None
            if not isinstance(item, dict):
                yield Made(row, {"type": None})
                continue
            message = segment.read_message(item, None, {}) if system == "segment" else _of_google(item)
            numbering.identify(message)
            for made in translate(message, _NAMESPACE):
                yield Made(row, {**made.event, "source": system})


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
