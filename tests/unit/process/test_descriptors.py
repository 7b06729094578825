"""How descriptors are divided among the ports."""

import resource
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.process.descriptors import shares


@given(st.integers(256, 10_000_000), st.booleans())
def test_all_shares_and_what_is_kept_are_no_more_than_there_are(descriptors: int, with_http: bool) -> None:
    grpc, http = shares(descriptors, with_http=with_http)
    assert 16 <= grpc <= 2_000
    assert (http > 0) == with_http
    assert 2 * grpc + http + max(128, descriptors * 0.2) <= descriptors + 1


def test_the_limit_is_raised_as_far_as_the_system_lets() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < 600:
        pytest.skip("this system allows too few descriptors to tell")
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (256, 600));"
        "from shopalytic_server.process.descriptors import raise_limit, limit; print(limit(), raise_limit())"
    )
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["256", "600"]
