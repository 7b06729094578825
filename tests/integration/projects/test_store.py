"""Projects and keys in real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from shopalytic_server.domain.errors import AlreadyExists, NotFound, StoreUnavailable
from shopalytic_server.domain.projects import DEFAULT_BROWSER_EVENT_TYPES, KeyClass, hash_secret
from shopalytic_server.storage.projects import Projects
from standins.rpc import project_store


@pytest.fixture
async def store(database_url: str) -> AsyncIterator[Projects]:
    async with project_store(database_url) as store:
        yield store


async def test_projects_are_found_by_name_and_by_id_and_listed_oldest_first(store: Projects) -> None:
    first, _ = await store.create_project("b-shop", "EUR", "Europe/Berlin")
    second, _ = await store.create_project("a-shop")
    assert await store.find_project("b-shop") == first
    assert await store.find_project("c-shop") is None
    assert await store.get_project(second.project_id) == second
    assert await store.list_projects() == [first, second]
    with pytest.raises(NotFound):
        await store.get_project(second.project_id + 1)
    with pytest.raises(NotFound):
        await store.update_project(second.project_id + 1, time_zone="UTC", browser_event_types=None)


async def test_of_many_who_take_a_name_at_once_one_gets_it_and_makes_the_only_keys(store: Projects) -> None:
    outcomes = await asyncio.gather(*(store.create_project("shop") for _ in range(8)), return_exceptions=True)
    made = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
    assert len(made) == 1
    assert sum(isinstance(outcome, AlreadyExists) for outcome in outcomes) == 7
    [(project, keys)] = made
    assert await store.list_keys(project.project_id) == [issued.key for issued in keys]


async def test_a_project_is_made_with_all_its_keys_or_not_at_all(store: Projects, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute("ALTER TABLE keys ADD CONSTRAINT no_admins CHECK (key_class <> 'admin')")
    with pytest.raises(psycopg.errors.CheckViolation):
        await store.create_project("shop")
    assert await store.find_project("shop") is None


async def test_a_key_is_found_with_its_project_by_its_secret_only(store: Projects) -> None:
    project, keys = await store.create_project("shop", "GBP", "Europe/London")
    for issued in keys:
        assert await store.find_key(hash_secret(issued.secret)) == (issued.key, project)
    assert await store.find_key(hash_secret("shop_server_")) is None


async def test_no_secret_is_in_the_database(store: Projects, database_url: str) -> None:
    _, keys = await store.create_project("shop")
    with psycopg.connect(database_url) as connection:
        [[everything]] = connection.execute("SELECT string_agg(keys::text, ' ') FROM keys").fetchall()
    for issued in keys:
        random_part = issued.secret.rpartition(f"shop_{issued.key.key_class}_")[2]
        assert random_part not in everything
        assert random_part.encode().hex() not in everything


async def test_a_revoked_key_is_not_found_any_more(store: Projects) -> None:
    project, keys = await store.create_project("shop")
    await store.revoke_key(project.project_id, keys[0].key.key_id)
    assert await store.find_key(hash_secret(keys[0].secret)) is None
    assert await store.find_key(hash_secret(keys[1].secret)) is not None


async def test_a_key_of_another_project_cannot_be_revoked(store: Projects) -> None:
    _, keys = await store.create_project("one")
    other, _ = await store.create_project("other")
    with pytest.raises(NotFound):
        await store.revoke_key(other.project_id, keys[0].key.key_id)
    assert await store.find_key(hash_secret(keys[0].secret)) is not None


async def test_a_key_keeps_its_label(store: Projects) -> None:
    project, _ = await store.create_project("shop")
    issued = await store.create_key(project.project_id, KeyClass.SERVER, "Käse, Ω & Söhne")
    assert (await store.list_keys(project.project_id))[-1].label == "Käse, Ω & Söhne"
    assert issued.key.hint == issued.secret[:16]


async def test_a_database_that_goes_away_is_the_store_being_away(database_url: str) -> None:
    async with project_store(database_url) as store:
        await store.list_projects()
        _close_to_newcomers(database_url)
        with pytest.raises(StoreUnavailable):
            await store.list_projects()
    with pytest.raises(StoreUnavailable):
        await store.list_projects()


def _close_to_newcomers(database_url: str) -> None:
    name = conninfo_to_dict(database_url)["dbname"]
    server = psycopg.conninfo.make_conninfo(database_url, dbname="postgres")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS false')
        connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
        )


async def test_a_default_is_stored_as_one_so_that_later_types_are_allowed_too(
    store: Projects, monkeypatch: pytest.MonkeyPatch
) -> None:
    project, _ = await store.create_project("shop")
    chosen, _ = await store.create_project("chosen")
    same = sorted(DEFAULT_BROWSER_EVENT_TYPES)
    await store.update_project(chosen.project_id, browser_event_types=same)
    later = DEFAULT_BROWSER_EVENT_TYPES | {"shipment"}
    monkeypatch.setattr("shopalytic_server.storage.projects.DEFAULT_BROWSER_EVENT_TYPES", later)
    found = await store.get_project(project.project_id)
    assert (found.browser_event_types, found.browser_event_types_by_default) == (later, True)
    found = await store.get_project(chosen.project_id)
    assert (found.browser_event_types, found.browser_event_types_by_default) == (set(same), False)
    found = await store.update_project(chosen.project_id, browser_event_types_as_default=True)
    assert (found.browser_event_types, found.browser_event_types_by_default) == (later, True)
    found = await store.update_project(chosen.project_id, time_zone="Asia/Tokyo")
    assert found.browser_event_types_by_default


async def test_a_choice_of_a_server_that_knows_no_default_counts(store: Projects, database_url: str) -> None:
    project, _ = await store.create_project("shop")
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE projects SET browser_event_types = '{page_view}'")
    found = await store.get_project(project.project_id)
    assert (found.browser_event_types, found.browser_event_types_by_default) == ({"page_view"}, False)
