"""For the tests of a shop's own code: a client that keeps what it is told, a real server, a pytest plugin.

    def test_a_purchase_is_tracked(shopalytic_fake):
        buy("SKU-1")
        shopalytic_fake.assert_tracked("order", order_id="1001")

The fixtures `shopalytic_fake` and `shopalytic_server` come with the installation:
pytest finds them by itself.
"""

from shopalytic.testing.fake import AsyncFakeClient, FakeClient, Tracked

__all__ = ["AsyncFakeClient", "FakeClient", "Tracked"]
