"""Tells gateways whose key may call what, so that they read no request of anybody else."""

from typing import Any

import grpc
from google.protobuf.wrappers_pb2 import StringValue

from shopalytic_server.domain.access.admission import METHOD, SERVICE
from shopalytic_server.domain.access.roles import may_call_some
from shopalytic_server.domain.errors import NotFound, PermissionDenied
from shopalytic_server.rpc.access.auth import ADMIN_READING, ADMIN_SERVICE, RIGHTS, Authenticator

# Which of its methods an administrator's or a reader's key may call, the call itself decides.
_WEAKEST = {ADMIN_SERVICE: ADMIN_READING}


def add_admission(authenticator: Authenticator, server: Any) -> None:
    """Registers the service at a server, which answers the domain's errors."""

    async def check(request: StringValue, context: grpc.aio.ServicerContext[Any, Any]) -> StringValue:
        service = _WEAKEST.get(request.value, request.value)
        if service not in RIGHTS:
            raise NotFound("There is no such service here.")
        caller = await authenticator.identify(context, service)
        person = caller.key.person
        if person is not None and not may_call_some(person.role, request.value):
            raise PermissionDenied(f"The role {person.role} may not call {request.value.rpartition('.')[2]}.")
        return StringValue(value=str(caller.project.project_id))

    handler = grpc.unary_unary_rpc_method_handler(
        check, StringValue.FromString, StringValue.SerializeToString
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {METHOD: handler}),))
