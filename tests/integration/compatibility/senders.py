"""Sends events with one official SDK: `python senders.py SDK URL KEY`.

Views six products, the last three when a line comes in.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

View = Callable[[int], Any]
# They wait for up to half a minute between two attempts; the order of things stays the same when it is less.
_LONGEST_PAUSE = 0.3
_sleep = time.sleep


def segment(sdk: str, host: str, key: str) -> tuple[View, Callable[[], Any]]:
    """segment-analytics-python."""
    from segment.analytics.client import Client

    client = Client(key, host=host, gzip=True, upload_interval=0.1, max_retries=200)
    return lambda number: client.track(sdk, "Product Viewed", product(sdk, number)), client.shutdown


def rudderstack(sdk: str, host: str, key: str) -> tuple[View, Callable[[], Any]]:
    """rudder-sdk-python."""
    from rudderstack.analytics.client import Client

    client = Client(key, host=host, gzip=True, max_retries=200)
    return lambda number: client.track(sdk, "Product Viewed", product(sdk, number)), client.shutdown


def posthog(sdk: str, host: str, key: str) -> tuple[View, Callable[[], Any]]:
    """posthog."""
    from posthog import Posthog

    client = Posthog(key, host=host, max_retries=200, flush_interval=0.1)

    def view(number: int) -> None:
        client.capture("Product Viewed", distinct_id=sdk, properties=product(sdk, number))

    return view, client.shutdown


def product(sdk: str, number: int) -> dict[str, Any]:
    """Each has a number of its own, by which it is counted."""
    return {"sku": f"{sdk}-{number}", "name": "Mug", "price": 9.99}


SDKS = {"segment-python": segment, "rudderstack-python": rudderstack, "posthog-python": posthog}

if __name__ == "__main__":
    time.sleep = lambda seconds: _sleep(min(float(seconds), _LONGEST_PAUSE))
    name, address, secret = sys.argv[1:]
    send, close = SDKS[name](name, address, secret)
    for each in (1, 2, 3):
        send(each)
    sys.stdin.readline()
    for each in (4, 5, 6):
        send(each)
    close()
