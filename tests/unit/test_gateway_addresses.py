"""Client addresses: which one counts, and what is left of it."""

import pytest

from shopalytic_server.domain.addresses import AddressLevel, kept
from shopalytic_server.gateway.addresses import client_address, is_https


@pytest.mark.parametrize(
    ("address", "truncated"),
    [
        ("203.0.113.77", "203.0.113.0"),
        ("203.0.113.77:4711", "203.0.113.0"),
        (" 203.0.113.77 ", "203.0.113.0"),
        ("2001:db8:1234:5678:9abc:def0:1:2", "2001:db8:1234::"),
        ("[2001:db8:1234:5678::1]:443", "2001:db8:1234::"),
        ('"[2001:db8:1234::1]"', "2001:db8:1234::"),
        ("::ffff:203.0.113.77", "203.0.113.0"),
        ("::ffff:cb00:714d", "203.0.113.0"),
        ("fe80::1%eth0", "fe80::"),
        ("::1", "::"),
        ("unknown", None),
        ("_hidden", None),
        ("999.1.1.1", None),
        ("", None),
        ("[", None),
    ],
)
def test_addresses_lose_what_tells_people_apart(address: str, truncated: str | None):
    assert kept(address, AddressLevel.TRUNCATED) == truncated


def scope(peer: str | None, *headers: tuple[str, str], scheme: str = "http"):
    encoded = [(name.encode(), value.encode()) for name, value in headers]
    return {"client": (peer, 1234) if peer else None, "headers": encoded, "scheme": scheme}


@pytest.mark.parametrize(
    ("forwarded", "trusted", "address"),
    [
        (["1.1.1.1"], 0, "9.9.9.0"),
        (["1.1.1.1"], 1, "1.1.1.0"),
        (["6.6.6.6, 1.1.1.1"], 1, "1.1.1.0"),
        (["6.6.6.6, 1.1.1.1, 10.0.0.1"], 2, "1.1.1.0"),
        (["6.6.6.6", "1.1.1.1"], 1, "1.1.1.0"),
        (["1.1.1.1"], 3, "1.1.1.0"),
        (["6.6.6.6, nonsense"], 1, None),
        ([], 1, "9.9.9.0"),
        ([" , "], 1, "9.9.9.0"),
    ],
)
def test_forwarded_addresses_count_from_the_right(forwarded: list[str], trusted: int, address: str | None):
    headers = [("x-forwarded-for", value) for value in forwarded]
    assert client_address(scope("9.9.9.9", *headers), trusted, AddressLevel.TRUNCATED) == address


def test_a_connection_without_an_address_has_none():
    assert client_address(scope(None), 0, AddressLevel.FULL) is None


@pytest.mark.parametrize(
    ("said", "trusted", "scheme", "https"),
    [
        ("https", 0, "http", False),
        ("https", 1, "http", True),
        ("HTTPS", 2, "http", True),
        ("http", 1, "https", False),
        ("https, http", 1, "http", False),
        ("https, http", 2, "http", True),
        (None, 1, "https", True),
        (None, 0, "https", True),
    ],
)
def test_the_scheme_is_the_browsers(said: str | None, trusted: int, scheme: str, https: bool):
    headers = [("x-forwarded-proto", said)] if said else []
    assert is_https(scope("9.9.9.9", *headers, scheme=scheme), trusted) is https
