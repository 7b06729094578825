"""UserService: adds, lists, changes and removes people, and ends their sessions."""

import secrets
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import grpc
from google.protobuf.message import Message

from shopalytic.events.violations import Violation
from shopalytic.v1 import users_pb2 as pb
from shopalytic.v1 import users_pb2_grpc
from shopalytic_server.domain.access.people import (
    INVITATION_LASTS,
    RESET_LASTS,
    Role,
    User,
    link_token,
    password_fault,
    plain_email,
)
from shopalytic_server.domain.errors import InvalidRequest
from shopalytic_server.domain.projects import SECRET_BYTES, Project, hash_secret
from shopalytic_server.rpc.access.auth import USER_SERVICE, Authenticator
from shopalytic_server.rpc.people.passwords import Passwords
from shopalytic_server.rpc.people.ports import PeopleStores
from shopalytic_server.rpc.validation import check_request

Context = grpc.aio.ServicerContext[Any, Any]

ROLES: "dict[pb.Role, Role]" = {
    pb.ROLE_OWNER: Role.OWNER,
    pb.ROLE_ANALYST: Role.ANALYST,
    pb.ROLE_SUPPORT: Role.SUPPORT,
    pb.ROLE_VIEWER: Role.VIEWER,
}
_NUMBERS = {role: number for number, role in ROLES.items()}


class UserServicer(users_pb2_grpc.UserServiceServicer):
    """Manages the people of the caller's project. Calls are bound below."""

    def __init__(
        self,
        authenticator: Authenticator,
        passwords: Passwords,
        stores: PeopleStores,
    ) -> None:
        self._authenticator = authenticator
        self._people = stores.people
        self._passwords = passwords
        self._invitations = stores.invitations
        self._answers: Mapping[type[Message], Callable[[Project, Any], Awaitable[Message]]] = {
            pb.AddUserRequest: self._add,
            pb.ListUsersRequest: self._list,
            pb.UpdateUserRequest: self._update,
            pb.RemoveUserRequest: self._remove,
            pb.ResetPasswordRequest: self._reset,
            pb.ListSessionsRequest: self._list_sessions,
            pb.EndSessionsRequest: self._end_sessions,
            pb.ListAuditRequest: stores.audit.list_audit,
        }

    async def answer(self, request: Any, context: Context) -> Any:
        """What the call answers."""
        caller = await self._authenticator.admit(context, USER_SERVICE)
        check_request(request)
        return await self._answers[type(request)](caller.project, request)

    async def _add(self, project: Project, request: pb.AddUserRequest) -> pb.AddUserResponse:
        email, role = plain_email(request.email), ROLES[request.role]
        new = await self._new_password(email, request, INVITATION_LASTS)
        user = await self._people.add_user(project.project_id, email, role, **new.kept)
        link = await self._link(project, email, new, is_new=True)
        return pb.AddUserResponse(user=user_message(user), link=link)

    async def _list(self, project: Project, request: pb.ListUsersRequest) -> pb.ListUsersResponse:
        users = await self._people.list_users(project.project_id, removed=request.include_removed)
        return pb.ListUsersResponse(users=map(user_message, users))

    async def _update(self, project: Project, request: pb.UpdateUserRequest) -> pb.UpdateUserResponse:
        email = plain_email(request.email)
        user = await self._people.change_role(project.project_id, email, ROLES[request.role])
        return pb.UpdateUserResponse(user=user_message(user))

    async def _remove(self, project: Project, request: pb.RemoveUserRequest) -> pb.RemoveUserResponse:
        user = await self._people.remove_user(project.project_id, plain_email(request.email))
        return pb.RemoveUserResponse(user=user_message(user))

    async def _reset(self, project: Project, request: pb.ResetPasswordRequest) -> pb.ResetPasswordResponse:
        email = plain_email(request.email)
        new = await self._new_password(email, request, RESET_LASTS)
        await self._people.set_password(project.project_id, email, **new.kept)
        return pb.ResetPasswordResponse(link=await self._link(project, email, new, is_new=False))

    async def _list_sessions(
        self, project: Project, request: pb.ListSessionsRequest
    ) -> pb.ListSessionsResponse:
        sessions = await self._people.list_sessions(project.project_id, plain_email(request.email))
        response = pb.ListSessionsResponse()
        for each in sessions:
            message = response.sessions.add(
                session_id=str(each.session_id), email=each.email, user_agent=each.user_agent
            )
            message.created_at.FromDatetime(each.created_at)
            message.last_seen_at.FromDatetime(each.last_seen_at)
            message.ends_at.FromDatetime(each.ends_at)
        return response

    async def _end_sessions(self, project: Project, request: pb.EndSessionsRequest) -> pb.EndSessionsResponse:
        if request.WhichOneof("which") == "email":
            ended = await self._people.end_sessions_of(project.project_id, plain_email(request.email))
        else:
            ended = await self._people.end_session(project.project_id, UUID(request.session_id))
        return pb.EndSessionsResponse(ended=ended)

    async def _new_password(
        self, email: str, request: pb.AddUserRequest | pb.ResetPasswordRequest, lasts: timedelta
    ) -> "_NewPassword":
        if not request.HasField("password"):
            return _NewPassword(
                None, link_token(secrets.token_bytes(SECRET_BYTES)), datetime.now(UTC) + lasts
            )
        if fault := password_fault(request.password, email):
            raise InvalidRequest([Violation("password", "password.strength", fault)])
        return _NewPassword(await self._passwords.hash(request.password), None, None)

    async def _link(
        self, project: Project, email: str, new: "_NewPassword", *, is_new: bool
    ) -> pb.PasswordLink | None:
        if new.token is None or new.ends_at is None:
            return None
        sent = await self._invitations.send(project, email, new.token, new.ends_at, is_new=is_new)
        link = pb.PasswordLink(address=sent.address, mailed=sent.mailed, mail_failure=sent.failure)
        link.ends_at.FromDatetime(new.ends_at)
        return link


class _NewPassword:
    """A password that was given, or a link by which one is chosen."""

    def __init__(self, password_hash: str | None, token: str | None, ends_at: datetime | None) -> None:
        self.token = token
        self.ends_at = ends_at
        self.kept: dict[str, Any] = {
            "password_hash": password_hash,
            "link_hash": None if token is None else hash_secret(token),
            "link_ends_at": ends_at,
        }


def user_message(user: User) -> pb.User:
    """A person as the contract has them."""
    message = pb.User(email=user.email, role=_NUMBERS[user.role], has_password=user.has_password)
    message.created_at.FromDatetime(user.created_at)
    for name in ("last_seen_at", "ended_at"):
        if (moment := getattr(user, name)) is not None:
            getattr(message, name).FromDatetime(moment)
    return message


for _method in pb.DESCRIPTOR.services_by_name["UserService"].methods:
    setattr(UserServicer, _method.name, UserServicer.answer)
