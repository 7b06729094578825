"""Reading RPC messages: whatever comes is read or refused."""

import asyncio
import contextlib
import json

from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.errors import Refusal
from shopalytic_server.gateway.rpc.codec import CODECS
from shopalytic_server.gateway.services import methods_of, published_files
from shopalytic_server.gateway.work import Work

METHODS = list(methods_of(published_files()).values())
NAMES = sorted(
    {
        name
        for file in published_files()
        for message in file.message_types_by_name.values()
        for field in message.fields
        for name in (field.name, field.json_name)
    }
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["2025-05-01T00:00:00Z", "EUR", "1e400", "-", "9" * 30, "\ud800"])
)
JSON = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
    max_leaves=12,
)


@given(st.sampled_from(METHODS), JSON)
def test_any_json_is_read_or_refused(method, value):
    with contextlib.suppress(Refusal):
        data = read("json", json.dumps(value).encode(), method.request)
        written = asyncio.run(CODECS["json"].write(data, method.request, Work()))
        assert read("json", written, method.request) == data


@given(st.sampled_from(METHODS), st.binary(max_size=60))
def test_any_bytes_are_read_or_refused(method, data):
    with contextlib.suppress(Refusal):
        assert read("proto", data, method.request) == data
    with contextlib.suppress(Refusal):
        method.request.FromString(read("json", data, method.request))


def read(codec, data, kind):
    return asyncio.run(CODECS[codec].read(data, kind, Work(), lambda _: None))
