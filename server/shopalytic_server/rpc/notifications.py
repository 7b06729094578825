"""NotificationService: admits and checks the calls that set, list and test digests and alerts."""

from typing import Any

import grpc

from shopalytic.v1 import notifications_pb2, notifications_pb2_grpc
from shopalytic_server.rpc.access.auth import NOTIFICATION_SERVICE, Authenticator
from shopalytic_server.rpc.ports import Notifications
from shopalytic_server.rpc.validation import check_request

Context = grpc.aio.ServicerContext[Any, Any]


class NotificationServicer(notifications_pb2_grpc.NotificationServiceServicer):
    """Answers with what `notifications` finds in the caller's project. Calls are bound below."""

    def __init__(self, authenticator: Authenticator, notifications: Notifications) -> None:
        self._authenticator = authenticator
        self._notifications = notifications

    async def answer(self, request: Any, context: Context) -> Any:
        """What the call answers."""
        caller = await self._authenticator.admit(context, NOTIFICATION_SERVICE)
        check_request(request)
        return await self._notifications.answer(caller.project, request)


for _method in notifications_pb2.DESCRIPTOR.services_by_name["NotificationService"].methods:
    setattr(NotificationServicer, _method.name, NotificationServicer.answer)
