"""Writes the audit log: before a call that it tells of is answered."""

from typing import Any

from shopalytic_server.domain.access.audit import is_told, subject_of, told_action
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import Key
from shopalytic_server.rpc.access.auth import Caller
from shopalytic_server.rpc.people.ports import Audit
from shopalytic_server.rpc.validation import check_request


class Auditing:
    """Tells the audit log of calls."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit

    async def tell(self, caller: Caller, path: str, request: Any) -> None:
        """Returns when a call is written down, if the log tells of such. Raises StoreUnavailable."""
        action = path.rpartition("/")[2]
        if not is_told(action, request):
            return
        try:
            check_request(request)
        except InvalidRequest:
            return  # The call itself refuses it, and shows nothing.
        subject = subject_of(action, request)
        done = told_action(action, request)
        await self._audit.record(caller.project.project_id, actor_of(caller.key), done, subject)


def actor_of(key: Key) -> str:
    """Who has a key or a session, as the log names them."""
    return key.person.email if key.person is not None else f"{key.key_class} key {key.hint}"
