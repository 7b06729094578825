"""Errors in the form that the Connect protocol gives them."""

import base64
from typing import Any

from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as AnyMessage

from shopalytic_server.gateway.errors import CODES, CollectorError, Refusal

_NAMES = {row.name for row in CODES.values()}
_BY_STATUS = {408: "deadline_exceeded", 413: "resource_exhausted", 415: "invalid_argument"}


def error_object(error: CollectorError) -> dict[str, Any]:
    """The JSON of a failed call: code, sentence, and the collector's typed details."""
    value: dict[str, Any] = {"code": error.row.name, "message": error.message}
    details = [_detail(detail) for detail in error.details.details] if error.details is not None else []
    if details:
        value["details"] = details
    return value


def rpc_refusal_name(refusal: Refusal) -> str:
    """The Connect code of what the gateway itself refuses; Connect knows no others than gRPC has."""
    return refusal.code if refusal.code in _NAMES else _BY_STATUS.get(refusal.status, "unknown")


def _detail(detail: AnyMessage) -> dict[str, Any]:
    value: dict[str, Any] = {
        "type": detail.TypeName(),
        "value": base64.b64encode(detail.value).decode().rstrip("="),
    }
    try:
        shown = json_format.MessageToDict(detail)
    except (TypeError, ValueError):
        return value  # a type that this process does not know has no readable form
    shown.pop("@type", None)
    value["debug"] = shown
    return value
