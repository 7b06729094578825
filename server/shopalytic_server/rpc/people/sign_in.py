"""Signs people in for gateways: by e-mail address and password, by a link, and out again.

The answer to a wrong password and to an unknown address is the same, and takes as long.
"""

import secrets
import time
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.struct_pb2 import Struct

from shopalytic.events.violations import Violation
from shopalytic_server.domain.access import sign_in_calls
from shopalytic_server.domain.access.attempts import Attempts
from shopalytic_server.domain.access.people import (
    LONGEST_PASSWORD,
    LONGEST_SESSION,
    PasswordHash,
    Person,
    password_fault,
    plain_email,
    session_token,
)
from shopalytic_server.domain.access.roles import calls_of
from shopalytic_server.domain.errors import InvalidRequest, PermissionDenied, RateLimited, Unauthenticated
from shopalytic_server.domain.projects import SECRET_BYTES, hash_secret, is_secret
from shopalytic_server.rpc.access.auth import SESSION_ENDED, KeyCache
from shopalytic_server.rpc.people.passwords import Passwords
from shopalytic_server.rpc.people.ports import Audit, People

Context = grpc.aio.ServicerContext[Any, Any]

MOST_FAILURES = 10
"""Wrong passwords of one account."""
FAILURES_SECONDS = 900.0
"""In this time."""

_LONGEST_EMAIL = 254
_LONGEST_AGENT = 200
_WRONG = "E-mail address or password is wrong."
_LINK_ENDED = "This link has been used or has ended. Ask for another one."
_TOO_OFTEN = "Too many wrong passwords for this account; try again later."


class SignIn:
    """Answers the calls of `sign_in_calls`."""

    def __init__(
        self,
        people: People,
        passwords: Passwords,
        cache: KeyCache,
        audit: Audit,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._people = people
        self._passwords = passwords
        self._cache = cache
        self._audit = audit
        self._clock = clock
        self._failures = Attempts(MOST_FAILURES, FAILURES_SECONDS)

    async def sign_in(self, request: Struct, _context: Context) -> Struct:
        """A session for an address and its password; raises Unauthenticated, RateLimited, Overloaded."""
        email, password = plain_email(_text(request, "email")), _text(request, "password")
        if not email or len(email) > _LONGEST_EMAIL or not 0 < len(password) <= LONGEST_PASSWORD:
            raise Unauthenticated(_WRONG)
        found = await self._checked(email, password, _text(request, "project"))
        return await self._begin(found, _text(request, "user_agent"), sign_in_calls.SIGN_IN)

    async def choose_password(self, request: Struct, _context: Context) -> Struct:
        """Sets the password by a link, and signs in; raises PermissionDenied, InvalidRequest."""
        self._passwords.check_place()
        link_hash, password = hash_secret(_text(request, "link")), _text(request, "password")
        email = await self._people.email_of_link(link_hash)
        if email is None:
            raise PermissionDenied(_LINK_ENDED)
        password_hash = await self._new_hash(password, email)
        user = await self._people.take_link(link_hash, password_hash)
        if user is None:
            raise PermissionDenied(_LINK_ENDED)
        project = await self._people.project_name(user.project_id)
        chosen = PasswordHash(user, project, password_hash)
        return await self._begin(chosen, _text(request, "user_agent"), sign_in_calls.CHOOSE_PASSWORD)

    async def change_password(self, request: Struct, _context: Context) -> Struct:
        """Another password for who has signed in, and knows the one before; ends their other sessions."""
        person, project = await self._person(_text(request, "token"))
        found = await self._checked(person.email, _text(request, "password"), project)
        password_hash = await self._new_hash(_text(request, "new_password"), person.email)
        user = await self._people.set_password(
            found.user.project_id,
            person.email,
            password_hash=password_hash,
            link_hash=None,
            link_ends_at=None,
        )
        changed = PasswordHash(user, project, password_hash)
        return await self._begin(changed, _text(request, "user_agent"), sign_in_calls.CHANGE_PASSWORD)

    async def who(self, request: Struct, _context: Context) -> Struct:
        """Whose session a token is; raises Unauthenticated."""
        person, project = await self._person(_text(request, "token"))
        return _told(person, project)

    async def sign_out(self, request: Struct, _context: Context) -> Struct:
        """Ends the session of a token."""
        token_hash = hash_secret(_text(request, "token"))
        await self._people.sign_out(token_hash)
        self._cache.forget(token_hash)
        return Struct()

    async def _checked(self, email: str, password: str, project: str) -> PasswordHash:
        self._passwords.check_place()
        if wait := self._failures.take(email, self._clock()):
            raise RateLimited(_TOO_OFTEN, retry_after=wait)
        found = await self._people.find_password(email, project)
        if not await self._passwords.is_right(found.hash if found else None, password) or found is None:
            raise Unauthenticated(_WRONG)
        self._failures.give_back(email)
        if self._passwords.is_old(found.hash):
            new_hash = await self._passwords.hash(password)
            await self._people.rehash(found.user.user_id, found.hash, new_hash)
            return PasswordHash(found.user, found.project, new_hash)
        return found

    async def _new_hash(self, password: str, email: str) -> str:
        if fault := password_fault(password, email):
            raise InvalidRequest([Violation("password", "password.strength", fault)])
        return await self._passwords.hash(password)

    async def _begin(self, found: PasswordHash, user_agent: str, action: str) -> Struct:
        token = session_token(secrets.token_bytes(SECRET_BYTES))
        kept_agent = "".join(letter for letter in user_agent if letter.isprintable())[:_LONGEST_AGENT]
        begun = await self._people.begin_session(
            found.user.user_id, hash_secret(token), kept_agent, found.hash
        )
        if not begun:
            raise Unauthenticated(_WRONG)
        await self._audit.record(found.user.project_id, found.user.email, action, "")
        told = _told(Person(found.user.user_id, found.user.email, found.user.role), found.project)
        told.update({"token": token, "seconds": LONGEST_SESSION.total_seconds()})
        return told

    async def _person(self, token: str) -> tuple[Person, str]:
        caller = await self._cache.find(hash_secret(token)) if is_secret(token) else None
        if caller is None or caller.key.person is None:
            raise Unauthenticated(SESSION_ENDED)
        return caller.key.person, caller.project.name


def add_sign_in(sign_in: SignIn, server: Any) -> None:
    """Registers the calls at a server, which answers the domain's errors."""
    methods: dict[str, Callable[[Struct, Context], Awaitable[Struct]]] = {
        sign_in_calls.SIGN_IN: sign_in.sign_in,
        sign_in_calls.CHOOSE_PASSWORD: sign_in.choose_password,
        sign_in_calls.CHANGE_PASSWORD: sign_in.change_password,
        sign_in_calls.WHO: sign_in.who,
        sign_in_calls.SIGN_OUT: sign_in.sign_out,
    }
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(method, Struct.FromString, Struct.SerializeToString)
        for name, method in methods.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(sign_in_calls.SERVICE, handlers),))


def _told(person: Person, project: str) -> Struct:
    told = Struct()
    told.update(
        {
            "email": person.email,
            "role": person.role.value,
            "project": project,
            "calls": calls_of(person.role),
        }
    )
    return told


def _text(request: Struct, name: str) -> str:
    value = request.fields.get(name)
    text = value.string_value if value is not None else ""
    if "\0" in text:
        raise InvalidRequest([Violation(name, "string.nul", "has a NUL character, which no text has")])
    return text
