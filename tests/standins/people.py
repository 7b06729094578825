"""People of a project, signed in as a gateway would."""

from typing import Any

import grpc
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from shopalytic.v1 import users_pb2
from shopalytic.v1.users_pb2_grpc import UserServiceStub
from shopalytic_server.domain.access import sign_in_calls
from shopalytic_server.domain.access.people import Role
from shopalytic_server.domain.projects import KeyClass
from standins.rpc import Running, bearer

PASSWORD = "correct horse battery"


def users(shop: Running) -> Any:
    """The calls of UserService."""
    return UserServiceStub(shop.channel)


def role_number(role: Role) -> Any:
    """A role as the contract has it."""
    return users_pb2.Role.Value(f"ROLE_{role.name}")


async def add_user(shop: Running, email: str, role: Role, password: str | None = PASSWORD) -> Any:
    """Adds a person with the admin key."""
    request = users_pb2.AddUserRequest(email=email, role=role_number(role), password=password)
    return await users(shop).AddUser(request, metadata=shop.key(KeyClass.ADMIN))


async def ask(channel: grpc.aio.Channel, method: str, **given: str) -> dict[str, Any]:
    """One of the calls by which gateways sign people in."""
    call = channel.unary_unary(
        sign_in_calls.path(method),
        request_serializer=Struct.SerializeToString,
        response_deserializer=Struct.FromString,
    )
    request = Struct()
    request.update(given)
    return MessageToDict(await call(request))


async def sign_in(shop: Running, email: str, password: str = PASSWORD, project: str = "") -> str:
    """The token of a new session."""
    told = await ask(shop.channel, sign_in_calls.SIGN_IN, email=email, password=password, project=project)
    return str(told["token"])


async def signed_in(shop: Running, role: Role) -> tuple[tuple[str, str], ...]:
    """Metadata with the session of a new person."""
    email = f"{role}@shop.example"
    await add_user(shop, email, role)
    return bearer(await sign_in(shop, email))
