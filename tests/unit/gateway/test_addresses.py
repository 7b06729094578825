"""Client addresses: which one counts, and what is left of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.domain.privacy.addresses import AddressLevel, kept
from shopalytic_server.gateway.requests.addresses import client_address, host_of, is_https


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


@pytest.mark.parametrize(
    ("headers", "trusted", "host"),
    [
        ([("host", "Shop.Example.:8080")], 0, "shop.example"),
        ([("host", "[::1]:8080")], 0, "::1"),
        ([], 1, ""),
        ([("x-forwarded-host", "shop.example"), ("host", "cluster.local")], 0, "cluster.local"),
        ([("x-forwarded-host", "shop.example:443"), ("host", "cluster.local")], 1, "shop.example"),
        ([("x-forwarded-host", "evil.example, shop.example"), ("host", "cluster.local")], 1, "shop.example"),
        ([("x-forwarded-host", "shop.example, inner.local"), ("host", "cluster.local")], 2, "shop.example"),
        ([("forwarded", "host=shop.example"), ("host", "cluster.local")], 0, "cluster.local"),
        ([("forwarded", 'for=1.1.1.1;Host="shop.example:443";proto=https')], 1, "shop.example"),
        ([("forwarded", "host=evil.example"), ("forwarded", "host=shop.example")], 1, "shop.example"),
        ([("forwarded", "host=shop.example, for=10.0.0.1")], 1, ""),
        ([("forwarded", "host=shop.example, for=10.0.0.1")], 2, "shop.example"),
        ([("forwarded", "host=evil.example"), ("x-forwarded-host", "shop.example")], 1, "shop.example"),
    ],
)
def test_the_host_is_the_one_that_the_browser_asked(headers: list[tuple[str, str]], trusted: int, host: str):
    assert host_of(scope("9.9.9.9", *headers), trusted) == host


@pytest.mark.parametrize(
    ("said", "trusted", "address", "https"),
    [
        ("for=1.1.1.1;proto=https", 0, "9.9.9.0", False),
        ("for=1.1.1.1;proto=https", 1, "1.1.1.0", True),
        ('proto=https;for="[2001:db8:1:2::3]:4711"', 1, "2001:db8:1::", True),
        ("for=6.6.6.6;proto=https, for=1.1.1.1;proto=http", 1, "1.1.1.0", False),
        ("for=_hidden", 1, None, False),
        ("for=unknown;proto=HTTPS", 1, None, True),
        ("by=10.0.0.1", 1, "9.9.9.0", False),
    ],
)
def test_forwarded_tells_address_and_scheme_too(said: str, trusted: int, address: str | None, https: bool):
    told = scope("9.9.9.9", ("forwarded", said))
    assert client_address(told, trusted, AddressLevel.TRUNCATED) == address
    assert is_https(told, trusted) is https


@given(
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=50),
    st.sampled_from(["for=1.1.1.1;host=shop.example", 'host="shop.example:1" ; For = "1.1.1.1:5"']),
    st.integers(0, 3),
)
def test_nothing_that_a_stranger_writes_before_it_changes_what_a_trusted_proxy_says(
    stranger: str, proxy: str, inner: int
):
    said = ", ".join([stranger, proxy, *['for="10.0.0.1:7";host=inner.local'] * inner])
    told = scope("9.9.9.9", ("forwarded", said))
    assert host_of(told, 1 + inner) == "shop.example"
    assert client_address(told, 1 + inner, AddressLevel.FULL) == "1.1.1.1"
