"""What the calls about people need from the store and from what sends letters, as small protocols."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from shopalytic.v1 import users_pb2
from shopalytic_server.domain.access.people import PasswordHash, Role, Session, User
from shopalytic_server.domain.projects import Project


class People(Protocol):
    """Keeps people and their sessions. Everything may raise StoreUnavailable.

    Addresses are in their plain form; of tokens and links come the hashes.
    """

    async def add_user(
        self,
        project_id: int,
        email: str,
        role: Role,
        *,
        password_hash: str | None,
        link_hash: bytes | None,
        link_ends_at: datetime | None,
    ) -> User:
        """Raises AlreadyExists when somebody has this address, or the project has as many as it may."""
        ...

    async def list_users(self, project_id: int, *, removed: bool) -> list[User]:
        """By address."""
        ...

    async def change_role(self, project_id: int, email: str, role: Role) -> User:
        """Raises NotFound."""
        ...

    async def remove_user(self, project_id: int, email: str) -> User:
        """Ends their sessions, too; raises NotFound."""
        ...

    async def set_password(
        self,
        project_id: int,
        email: str,
        *,
        password_hash: str | None,
        link_hash: bytes | None,
        link_ends_at: datetime | None,
    ) -> User:
        """Another password, or none and a link; ends the person's sessions. Raises NotFound."""
        ...

    async def email_of_link(self, link_hash: bytes) -> str | None:
        """Whose link it is; None when it was used, has ended, or is none."""
        ...

    async def take_link(self, link_hash: bytes, password_hash: str) -> User | None:
        """Sets the password by a link that works once, and ends the person's sessions; None as above."""
        ...

    async def find_password(self, email: str, project: str) -> PasswordHash | None:
        """What a password is compared with; `project` "": of the oldest project that has this address."""
        ...

    async def project_name(self, project_id: int) -> str:
        """Raises NotFound."""
        ...

    async def rehash(self, user_id: UUID, old_hash: str, new_hash: str) -> None:
        """The same password, hashed by what is the custom now."""
        ...

    async def begin_session(
        self, user_id: UUID, token_hash: bytes, user_agent: str, password_hash: str
    ) -> bool:
        """False when the person's password is another by now, or they were removed."""
        ...

    async def list_sessions(self, project_id: int, email: str) -> list[Session]:
        """Those that go on, newest first; of one person, or of all with ""."""
        ...

    async def end_session(self, project_id: int, session_id: UUID) -> int:
        """Raises NotFound."""
        ...

    async def end_sessions_of(self, project_id: int, email: str) -> int:
        """How many there were; raises NotFound."""
        ...

    async def sign_out(self, token_hash: bytes) -> None:
        """Ends the session of a token, if there is one."""
        ...


@dataclass(frozen=True, slots=True)
class Invited:
    """What became of a link by which a password is chosen."""

    address: str = field(repr=False)
    """To be given to the person; "": it was sent by e-mail."""
    mailed: bool = False
    failure: str = ""
    """Why it was not sent by e-mail, where there is a mail server."""


class Invitations(Protocol):
    """Brings links to people."""

    async def send(
        self, project: Project, email: str, token: str, ends_at: datetime, *, is_new: bool
    ) -> Invited:
        """Sends a link by e-mail, or says its address; `is_new`: the person has had no password yet."""
        ...


class Audit(Protocol):
    """Keeps the audit log. Everything may raise StoreUnavailable."""

    async def record(self, project_id: int, actor: str, action: str, subject: str) -> None:
        """Returns when it is written; a look that was written a moment ago is not written again."""
        ...

    async def list_audit(
        self, project: Project, request: users_pb2.ListAuditRequest
    ) -> users_pb2.ListAuditResponse:
        """A page, newest first; raises InvalidRequest."""
        ...


@dataclass(frozen=True, slots=True)
class PeopleStores:
    """What is behind the calls about people."""

    people: People
    invitations: Invitations
    audit: Audit
