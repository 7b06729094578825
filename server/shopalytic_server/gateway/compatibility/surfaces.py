"""What differs between the tools: where their requests have what, and how they want to be answered."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shopalytic_server.gateway.compatibility.message import Message
from shopalytic_server.gateway.compatibility.tools import ga4, posthog, segment

Read = Callable[[dict[str, Any], str | None, dict[str, Any]], Message]


@dataclass(frozen=True, slots=True)
class Surface:
    """One tool's form."""

    name: str
    list_name: str
    """Where a batch stands in the body."""
    beside: tuple[str, ...]
    """What of a body counts beside the batch."""
    read: Read
    answer: Callable[[list[dict[str, Any]]], dict[str, Any]]
    """The answer, given what became of each event."""
    single: bool = True
    """Whether a body without a batch is one message."""
    names_users: bool = True
    """Whether its SDKs have a call that says who uses a device."""


_KEYS = ("writeKey", "api_key", "api_secret", "token")
_TIMES = ("sentAt", "sent_at", "$sent_at")


def _segments(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"success": True, "results": results}


def _posthogs(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {"status": 1, "results": results}


def _googles(results: list[dict[str, Any]]) -> dict[str, Any]:
    """As the Measurement Protocol's validation answers, with our verdicts beside."""
    messages = [
        {
            "fieldPath": violation["field"],
            "description": violation["message"],
            "validationCode": "VALUE_REQUIRED" if violation["rule_id"] == "required" else "VALUE_INVALID",
        }
        for result in results
        for violation in result["violations"]
    ]
    return {"validationMessages": messages, "results": results}


SEGMENT = Surface("segment", "batch", (*_KEYS, *_TIMES, "context"), segment.read_message, _segments)
POSTHOG = Surface("posthog", "batch", (*_KEYS, *_TIMES), posthog.read_message, _posthogs)
GA4 = Surface(
    "ga4",
    "events",
    (
        *_KEYS,
        *("client_id", "app_instance_id", "user_id", "timestamp_micros"),
        *("user_agent", "user_location", "device", "user_properties"),
    ),
    ga4.read_event,
    _googles,
    single=False,
    names_users=False,
)


def segment_settings(key: str, host: str, scheme: str) -> dict[str, Any]:
    """What Segment's browser SDK asks for first: where to send, and that there is nothing else."""
    return {
        "integrations": {"Segment.io": {"apiKey": key, "apiHost": f"{host}/v1", "protocol": scheme}},
        "plan": {"track": {"__default": {"enabled": True, "integrations": {}}}},
        "edgeFunction": {},
        "analyticsNextEnabled": True,
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def no_flags() -> dict[str, Any]:
    """What PostHog's SDKs ask for beside sending: no feature flags, and nothing else switched on."""
    return {
        "flags": {},
        "featureFlags": {},
        "featureFlagPayloads": {},
        "errorsWhileComputingFlags": False,
        "quotaLimited": [],
        "requestId": str(uuid.uuid4()),
        **remote_config(),
    }


def remote_config() -> dict[str, Any]:
    """The settings of PostHog's browser SDK: it sends events, and loads no further scripts."""
    return {
        "supportedCompression": ["gzip", "gzip-js"],
        "config": {"enable_collect_everything": False},
        "hasFeatureFlags": False,
        "autocapture_opt_out": True,
        "captureDeadClicks": False,
        "capturePerformance": False,
        "autocaptureExceptions": False,
        "heatmaps": False,
        "sessionRecording": False,
        "surveys": False,
        "siteApps": [],
        "toolbarParams": {},
        "isAuthenticated": False,
    }
