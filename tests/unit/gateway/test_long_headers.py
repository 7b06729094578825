"""What is looked for in headers and addresses that strangers made long is found, and costs little."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.http.cors import preflight
from shopalytic_server.gateway.requests.addresses import raw_address
from shopalytic_server.gateway.requests.cookies import is_tracking_id, read_cookie
from shopalytic_server.gateway.requests.keys import key_of

NAME = "shopalytic_id"
ID = "0190b6f0-8c7e-7cc0-9d3a-5f1c2b7a4e10"

pieces = st.lists(
    st.sampled_from(
        [
            f"{NAME}={ID}",
            f"{NAME}=short",
            f"{NAME}=",
            f"x{NAME}={ID}",
            NAME,
            "a=b",
            "",
            "=",
            f"{NAME}={'a' * 300}",
        ]
    )
)
blanks = st.sampled_from(["", " ", "\t", "  "])


def scope(query: bytes = b"", **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"headers": pairs, "query_string": query, "client": ("192.0.2.1", 1)}


@given(pieces, blanks)
def test_a_cookie_is_found_as_by_taking_all_apart(parts, blank):
    text = f"{blank};{blank}".join(parts)
    each = (part.strip().partition("=") for part in text.split(";"))
    wanted = next((value for name, _, value in each if name == NAME and is_tracking_id(value)), None)
    assert read_cookie(scope(cookie=text), NAME) == wanted


@given(st.lists(st.sampled_from(["token=a", "token=", "token=%41%2f+", "xtoken=b", "token", "", "c=d"])))
def test_a_key_is_found_in_an_address_as_by_taking_it_apart(parts):
    wanted = next((part[6:] for part in parts if part.startswith("token=")), "")
    found = key_of(scope("&".join(parts).encode()))
    assert found == (wanted.replace("%41", "A").replace("%2f", "/").replace("+", " ") or None)


@pytest.mark.parametrize("filler", [b"%41", b"a", b"+"])
def test_of_a_long_value_only_a_beginning_is_read(filler):
    assert len(key_of(scope(b"token=" + filler * 20_000)) or "") <= 600


@given(st.integers(1, 3), st.integers(0, 5_000))
def test_what_a_stranger_puts_before_the_proxies_addresses_changes_nothing(proxies, count):
    chain = [f"203.0.113.{number}" for number in range(proxies)]
    text = ", ".join(["1.1.1.1"] * count + chain)
    assert raw_address(scope(x_forwarded_for=text), proxies) == "203.0.113.0"


def test_a_preflight_that_asks_for_thousands_of_headers_is_allowed_those_that_we_know():
    allowed = [(b"access-control-allow-origin", b"https://shop.example")]
    asked = ", ".join(f"x-{number}" for number in range(5_000))
    headers = dict(
        preflight(scope(access_control_request_headers=asked), allowed, b"POST", ("content-type",))
    )
    assert headers[b"access-control-allow-headers"] == b"content-type"
