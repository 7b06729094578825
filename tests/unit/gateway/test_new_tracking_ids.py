"""What is in the tracking cookie."""

import hashlib
import uuid

from hypothesis import given
from hypothesis import strategies as st

from shopalytic_server.gateway.requests.cookies import is_tracking_id, new_tracking_id

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


@given(token=TEXTS, event_id=TEXTS)
def test_the_id_of_a_new_visitor_is_a_uuid_of_version_5_that_the_key_and_the_event_give(
    token: str, event_id: str
):
    namespace = uuid.UUID(bytes=hashlib.sha256(token.encode()).digest()[:16])
    made = new_tracking_id(token, event_id)
    assert made == str(uuid.uuid5(namespace, event_id.lower()))
    assert is_tracking_id(made)
