"""Keys and projects: how secrets are made, recognised and kept."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic.v1 import events_pb2
from shopalytic_server.domain.projects import (
    DEFAULT_BROWSER_EVENT_TYPES,
    EVENT_TYPES,
    IssuedKey,
    Key,
    KeyClass,
    hash_secret,
    hint,
    in_catalogue_order,
    is_secret,
    new_secret,
)

TOKENS = st.binary(min_size=32, max_size=32)


@given(st.sampled_from(KeyClass), TOKENS)
def test_a_secret_names_its_class_and_is_recognised(key_class: KeyClass, token: bytes) -> None:
    secret = new_secret(key_class, token)
    assert secret.startswith(f"shop_{key_class}_")
    assert len(secret) == len(f"shop_{key_class}_") + 43
    assert is_secret(secret)


@given(TOKENS, TOKENS)
def test_two_secrets_are_equal_only_if_their_bytes_are(one: bytes, other: bytes) -> None:
    same = new_secret(KeyClass.SERVER, one) == new_secret(KeyClass.SERVER, other)
    assert same == (one == other)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_secret_is_made_of_32_bytes(size: int) -> None:
    with pytest.raises(ValueError, match="32 random bytes"):
        new_secret(KeyClass.SERVER, b"x" * size)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "shop_server_",
        "shop_server_" + "a" * 42,
        "shop_server_" + "a" * 44,
        "shop_owner_" + "a" * 43,
        "shop_server_" + "ä" * 43,
        "shop_server_" + "a" * 43 + "\n",
    ],
)
def test_other_texts_are_no_secrets(text: str) -> None:
    assert not is_secret(text)


def test_what_is_kept_of_a_secret_does_not_contain_it() -> None:
    secret = new_secret(KeyClass.ADMIN, bytes(range(32)))
    assert len(hash_secret(secret)) == 32
    assert secret.encode() not in hash_secret(secret)
    assert hint(secret, KeyClass.ADMIN) == secret[:15]


def test_an_issued_key_does_not_show_its_secret_when_printed() -> None:
    key = Key(uuid4(), 1, KeyClass.SERVER, "", "shop_server_abcd", datetime.now(UTC))
    assert "s3cret" not in repr(IssuedKey(key, "s3cret"))


def test_every_payload_but_the_unreadable_one_is_an_event_type() -> None:
    payloads = {field.name for field in events_pb2.Event.DESCRIPTOR.oneofs_by_name["payload"].fields}
    assert set(EVENT_TYPES) == payloads - {"undecoded"}
    assert len(EVENT_TYPES) == 22


def test_browsers_may_not_tell_what_only_the_backend_knows_by_default() -> None:
    backend = {"refund", "shipment", "shipment_delivered", "order_cancel", "subscription"}
    assert set(EVENT_TYPES) - DEFAULT_BROWSER_EVENT_TYPES == backend


def test_event_types_are_listed_once_and_in_the_order_of_the_catalogue() -> None:
    assert in_catalogue_order(["page_view", "order", "page_view", "cart_add"]) == [
        "cart_add",
        "order",
        "page_view",
    ]
