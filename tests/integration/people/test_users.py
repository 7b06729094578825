"""UserService over the real store: people are added, changed, removed, and their sessions end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import psycopg
import pytest

from shopalytic.v1 import admin_pb2, users_pb2
from shopalytic_server.domain.access import sign_in_calls
from shopalytic_server.domain.access.people import Role
from shopalytic_server.domain.projects import KeyClass
from shopalytic_server.rpc.access.auth import FRESH_SECONDS
from shopalytic_server.rpc.people.sign_in import MOST_FAILURES
from standins.people import PASSWORD, add_user, ask, sign_in, signed_in, users
from standins.rpc import Running, bearer, error_of, fields_of, running

JANE = "jane@shop.example"
ANOTHER = "another horse battery"


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[Running]:
    async with running(database_url) as shop:
        yield shop


def admin(shop: Running) -> Any:
    return shop.key(KeyClass.ADMIN)


async def code(call: Any) -> grpc.StatusCode:
    return (await error_of(call)).code()


async def is_let_in(shop: Running, session: Any) -> bool:
    answered = await shop.admin.GetProject(admin_pb2.GetProjectRequest(), metadata=session).code()
    assert answered in (grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED)
    return answered is grpc.StatusCode.OK


async def ends(shop: Running, session: Any) -> None:
    """Waits until a session is refused: what is remembered of it is asked for again after some seconds."""
    async with asyncio.timeout(FRESH_SECONDS + 50):
        while await is_let_in(shop, session):  # noqa: ASYNC110 - the server tells nobody when it forgets
            await asyncio.sleep(0.2)


def link_of(address: str) -> str:
    return address.partition("#choose-password=")[2]


async def test_an_address_is_kept_in_small_letters_and_once(shop: Running) -> None:
    added = await add_user(shop, "Jane@Shop.Example", Role.ANALYST)
    assert (added.user.email, added.user.role, added.user.has_password) == (
        JANE,
        users_pb2.ROLE_ANALYST,
        True,
    )
    assert not added.HasField("link")
    assert await code(add_user(shop, JANE, Role.OWNER)) is grpc.StatusCode.ALREADY_EXISTS
    listed = await users(shop).ListUsers(users_pb2.ListUsersRequest(), metadata=admin(shop))
    assert [each.email for each in listed.users] == [JANE]


async def test_passwords_links_and_sessions_are_kept_as_hashes(shop: Running, database_url: str) -> None:
    await add_user(shop, JANE, Role.OWNER)
    token = await sign_in(shop, JANE)
    invited = await add_user(shop, "joe@shop.example", Role.VIEWER, password=None)
    async with await psycopg.AsyncConnection.connect(database_url) as connection:
        kept = []
        for table in ("users", "sessions"):
            rows = await connection.execute(f"SELECT {table}::text FROM {table}")
            kept += [row[0] for row in await rows.fetchall()]
    text = "\n".join(kept)
    assert "$argon2id$" in text
    for secret in (PASSWORD, token, link_of(invited.link.address)):
        assert secret not in text
        assert secret.encode().hex() not in text


async def test_a_link_sets_the_password_once(shop: Running) -> None:
    invited = await add_user(shop, JANE, Role.SUPPORT, password=None)
    assert not invited.user.has_password
    link = link_of(invited.link.address)
    told = await ask(shop.channel, sign_in_calls.CHOOSE_PASSWORD, link=link, password=PASSWORD)
    assert (told["email"], told["role"], told["project"]) == (JANE, "support", "shop")
    assert await is_let_in(shop, bearer(told["token"]))
    again = ask(shop.channel, sign_in_calls.CHOOSE_PASSWORD, link=link, password=ANOTHER)
    assert await code(again) is grpc.StatusCode.PERMISSION_DENIED
    await sign_in(shop, JANE)


async def test_a_link_that_has_ended_sets_nothing(shop: Running, database_url: str) -> None:
    link = link_of((await add_user(shop, JANE, Role.VIEWER, password=None)).link.address)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute("UPDATE users SET link_ends_at = now() - interval '1 second'")
    asked = ask(shop.channel, sign_in_calls.CHOOSE_PASSWORD, link=link, password=PASSWORD)
    assert await code(asked) is grpc.StatusCode.PERMISSION_DENIED


async def test_another_link_ends_the_one_before(shop: Running) -> None:
    first = link_of((await add_user(shop, JANE, Role.VIEWER, password=None)).link.address)
    request = users_pb2.ResetPasswordRequest(email=f" {JANE.upper()} ")
    second = link_of((await users(shop).ResetPassword(request, metadata=admin(shop))).link.address)
    asked = ask(shop.channel, sign_in_calls.CHOOSE_PASSWORD, link=first, password=PASSWORD)
    assert await code(asked) is grpc.StatusCode.PERMISSION_DENIED
    await ask(shop.channel, sign_in_calls.CHOOSE_PASSWORD, link=second, password=PASSWORD)


@pytest.mark.parametrize("password", ["short", "x" * 201, "aaaaaaaaaaaaaaaa", JANE.upper()])
async def test_a_weak_password_is_refused_by_each_call(shop: Running, password: str) -> None:
    error = await error_of(add_user(shop, JANE, Role.OWNER, password=password))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [field for field, _ in fields_of(error)] == ["password"]
    link = link_of((await add_user(shop, JANE, Role.OWNER, password=None)).link.address)
    asked = ask(shop.channel, sign_in_calls.CHOOSE_PASSWORD, link=link, password=password)
    assert await code(asked) is grpc.StatusCode.INVALID_ARGUMENT
    # The link was not used up.
    await ask(shop.channel, sign_in_calls.CHOOSE_PASSWORD, link=link, password=PASSWORD)


async def test_a_wrong_password_and_an_unknown_address_are_answered_alike(shop: Running) -> None:
    await add_user(shop, JANE, Role.OWNER)
    invited = "invited@shop.example"
    await add_user(shop, invited, Role.OWNER, password=None)
    answers = set()
    for email, password in (
        (JANE, ANOTHER),
        ("nobody@shop.example", PASSWORD),
        (invited, PASSWORD),
        ("", ""),
    ):
        error = await error_of(sign_in(shop, email, password))
        answers.add((error.code(), error.details()))
    assert answers == {(grpc.StatusCode.UNAUTHENTICATED, "E-mail address or password is wrong.")}


@pytest.mark.parametrize("email", [JANE, "nobody@shop.example"])
async def test_an_account_is_tried_a_bounded_number_of_times(shop: Running, email: str) -> None:
    await add_user(shop, JANE, Role.OWNER)
    tried = [await code(sign_in(shop, email, ANOTHER)) for _ in range(MOST_FAILURES)]
    assert set(tried) == {grpc.StatusCode.UNAUTHENTICATED}
    # The right password, too: else the answers would tell it.
    assert await code(sign_in(shop, email)) is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_right_passwords_are_not_counted(shop: Running) -> None:
    await add_user(shop, JANE, Role.OWNER)
    for _ in range(MOST_FAILURES + 1):
        await sign_in(shop, f" {JANE.upper()} ")


async def test_removal_ends_sessions_and_links_and_frees_the_address(shop: Running) -> None:
    session = await signed_in(shop, Role.ANALYST)
    email = "analyst@shop.example"
    assert await is_let_in(shop, session)
    removed = await users(shop).RemoveUser(users_pb2.RemoveUserRequest(email=email), metadata=admin(shop))
    assert removed.user.HasField("ended_at")
    await ends(shop, session)
    assert await code(sign_in(shop, email)) is grpc.StatusCode.UNAUTHENTICATED
    request = users_pb2.RemoveUserRequest(email=email)
    assert await code(users(shop).RemoveUser(request, metadata=admin(shop))) is grpc.StatusCode.NOT_FOUND
    await add_user(shop, email, Role.VIEWER)
    listed = await users(shop).ListUsers(
        users_pb2.ListUsersRequest(include_removed=True), metadata=admin(shop)
    )
    assert [each.HasField("ended_at") for each in listed.users] == [False, True]


async def test_a_reset_ends_password_and_sessions(shop: Running) -> None:
    session = await signed_in(shop, Role.ANALYST)
    request = users_pb2.ResetPasswordRequest(email="analyst@shop.example", password=ANOTHER)
    await users(shop).ResetPassword(request, metadata=admin(shop))
    await ends(shop, session)
    assert await code(sign_in(shop, "analyst@shop.example")) is grpc.StatusCode.UNAUTHENTICATED
    await sign_in(shop, "analyst@shop.example", ANOTHER)


async def test_who_changes_the_password_has_one_session_left(shop: Running) -> None:
    before = await signed_in(shop, Role.VIEWER)
    email = "viewer@shop.example"
    token = await sign_in(shop, email)
    wrong = ask(
        shop.channel, sign_in_calls.CHANGE_PASSWORD, token=token, password=ANOTHER, new_password=ANOTHER
    )
    assert await code(wrong) is grpc.StatusCode.UNAUTHENTICATED
    told = await ask(
        shop.channel, sign_in_calls.CHANGE_PASSWORD, token=token, password=PASSWORD, new_password=ANOTHER
    )
    await ends(shop, before)
    await ends(shop, bearer(token))
    assert await is_let_in(shop, bearer(told["token"]))


async def test_a_new_role_counts_for_sessions_that_go_on(shop: Running) -> None:
    session = await signed_in(shop, Role.OWNER)
    listing = users(shop).ListUsers(users_pb2.ListUsersRequest(), metadata=session)
    assert (await listing).users
    request = users_pb2.UpdateUserRequest(email="owner@shop.example", role=users_pb2.ROLE_VIEWER)
    await users(shop).UpdateUser(request, metadata=admin(shop))
    async with asyncio.timeout(FRESH_SECONDS + 50):
        while True:
            asked = users(shop).ListUsers(users_pb2.ListUsersRequest(), metadata=session)
            if await asked.code() is grpc.StatusCode.PERMISSION_DENIED:
                break
            await asyncio.sleep(0.2)
    assert await is_let_in(shop, session)


async def test_sessions_are_listed_and_ended_one_by_one(shop: Running) -> None:
    await add_user(shop, JANE, Role.VIEWER)
    first, second = await sign_in(shop, JANE), await sign_in(shop, JANE)
    listed = await users(shop).ListSessions(users_pb2.ListSessionsRequest(email=JANE), metadata=admin(shop))
    assert [each.email for each in listed.sessions] == [JANE, JANE]
    request = users_pb2.EndSessionsRequest(session_id=listed.sessions[1].session_id)
    assert (await users(shop).EndSessions(request, metadata=admin(shop))).ended == 1
    await ends(shop, bearer(first))
    assert await is_let_in(shop, bearer(second))
    await ask(shop.channel, sign_in_calls.SIGN_OUT, token=second)
    await ends(shop, bearer(second))


@pytest.mark.parametrize("column", ["ends_at", "last_seen_at"])
async def test_a_session_ends_by_age_and_by_a_long_pause(
    shop: Running, database_url: str, column: str
) -> None:
    await add_user(shop, JANE, Role.VIEWER)
    token = await sign_in(shop, JANE)
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as connection:
        await connection.execute(f"UPDATE sessions SET {column} = {column} - interval '8 days'")
    assert not await is_let_in(shop, bearer(token))


async def test_people_of_another_project_are_not_reached(shop: Running) -> None:
    await add_user(shop, JANE, Role.OWNER)
    _, issued = await shop.projects.create_project("other")
    foreign: Any = bearer(next(each.secret for each in issued if each.key.key_class is KeyClass.ADMIN))
    service = users(shop)
    assert not (await service.ListUsers(users_pb2.ListUsersRequest(), metadata=foreign)).users
    for call, request in (
        (service.RemoveUser, users_pb2.RemoveUserRequest(email=JANE)),
        (service.UpdateUser, users_pb2.UpdateUserRequest(email=JANE, role=users_pb2.ROLE_VIEWER)),
        (service.ResetPassword, users_pb2.ResetPasswordRequest(email=JANE)),
        (service.EndSessions, users_pb2.EndSessionsRequest(email=JANE)),
    ):
        assert await code(call(request, metadata=foreign)) is grpc.StatusCode.NOT_FOUND
    # The same address, there with a password of its own.
    added = users_pb2.AddUserRequest(email=JANE, role=users_pb2.ROLE_VIEWER, password=ANOTHER)
    await service.AddUser(added, metadata=foreign)
    assert await code(sign_in(shop, JANE, ANOTHER)) is grpc.StatusCode.UNAUTHENTICATED
    token = await sign_in(shop, JANE, ANOTHER, project="other")
    project = await shop.admin.GetProject(admin_pb2.GetProjectRequest(), metadata=bearer(token))
    assert project.project.name == "other"
