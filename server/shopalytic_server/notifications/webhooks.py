"""Posts notifications to addresses of HTTP, signed, and never into the operator's own network by chance."""

import asyncio
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Awaitable, Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import Any
from urllib.parse import SplitResult, urlsplit

import httpx

from shopalytic_server.notifications.mail import NotTaken

SECONDS = 15.0
SIGNATURE = "Shopalytic-Signature"
_NEVER = frozenset({400, 401, 403, 404, 405, 410, 413, 415, 422})
"""Answers after which the same request need not come again."""

Address = IPv4Address | IPv6Address
Resolve = Callable[[str, int], Awaitable[list[Address]]]


def read_address(url: str) -> tuple[SplitResult, str, int]:
    """The parts of an address, its host and its port; raises ValueError, whose text goes on "The address"."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise ValueError("is none; give one such as https://chat.example/hook") from None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("is none; give one such as https://chat.example/hook")
    if "@" in parts.netloc:
        raise ValueError("must not have a user or password in it; the signature tells who posts")
    return parts, host, port or (443 if parts.scheme == "https" else 80)


def signature(secret: str, body: bytes, at: int) -> str:
    """The header that proves who posted a body, at a second since 1970."""
    signed = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={signed}"


async def resolve(host: str, port: int) -> list[Address]:
    """The addresses of a host; raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [ip_address(str(each[4][0]).partition("%")[0]) for each in found]


class Webhooks:
    """Posts JSON. Redirects are not followed: an address is looked at before it is called."""

    def __init__(
        self,
        *,
        to_private_addresses: bool,
        resolve: Resolve = resolve,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`to_private_addresses`: whether addresses of this machine and of private networks may be called."""
        self._to_private_addresses = to_private_addresses
        self._resolve = resolve
        self._clock = clock

    async def post(self, url: str, secret: str, notification_id: str, content: dict[str, Any]) -> None:
        """Posts one notification; raises NotTaken."""
        try:
            parts, host, port = read_address(url)
        except ValueError as error:
            raise NotTaken(f"The webhook's address {error}.", for_good=True) from None
        address = await self._address(host, port)
        body = json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode()
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/json",
            "User-Agent": "Shopalytic",
            "Shopalytic-Notification-Id": notification_id,
            SIGNATURE: signature(secret, body, int(self._clock())),
        }
        literal = f"[{address}]" if address.version == 6 else str(address)
        # The address that was looked at is the one that is called, whatever the name means a moment later.
        target = parts._replace(netloc=f"{literal}:{port}", fragment="").geturl()
        try:
            async with httpx.AsyncClient(timeout=SECONDS, trust_env=False) as client:
                request = client.build_request(
                    "POST", target, content=body, headers=headers, extensions={"sni_hostname": host}
                )
                # Nothing of the answer but its status is of use, however long it is.
                answer = await client.send(request, stream=True)
                await answer.aclose()
        except httpx.TimeoutException:
            raise NotTaken("The webhook did not answer in time.") from None
        except (httpx.HTTPError, httpx.InvalidURL, ValueError):
            raise NotTaken("The webhook cannot be reached, or its certificate is not trusted.") from None
        if not 200 <= answer.status_code < 300:
            raise NotTaken(
                f"The webhook answered with status {answer.status_code}.",
                for_good=answer.status_code in _NEVER,
            )

    async def _address(self, host: str, port: int) -> Address:
        try:
            found = await self._resolve(host, port)
        except (OSError, UnicodeError, ValueError):
            found = []
        if not found:
            raise NotTaken("The webhook's host has no address.")
        allowed = [each for each in found if self._to_private_addresses or _is_public(each)]
        if not allowed:
            raise NotTaken(
                "The webhook's host is in a private network; the operator allows that with "
                "--webhooks-to-private-addresses on.",
                for_good=True,
            )
        return allowed[0]


# IPv6 addresses that a gateway turns into an IPv4 one: https://www.rfc-editor.org/rfc/rfc6052,
# https://www.rfc-editor.org/rfc/rfc3056 and https://www.rfc-editor.org/rfc/rfc4380.
_TRANSLATED = tuple(ip_network(each) for each in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return _is_public(address.ipv4_mapped)
        if any(address in each for each in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast
