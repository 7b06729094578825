"""The project that exists from the start, and its keys, which a restart must not change."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from shopalytic_server.config import Settings, SettingsError
from shopalytic_server.domain.errors import AlreadyExists
from shopalytic_server.domain.projects import IssuedKey, KeyClass, Project, hash_secret, is_secret
from shopalytic_server.state import DataDirectory
from shopalytic_server.storage.projects import Projects

NAME = "default"
LABEL = "made at the first start"


@dataclass(frozen=True, slots=True)
class DefaultKeys:
    """Secrets of the default project by class of key, and whether any was made just now."""

    secrets: dict[str, str] = field(repr=False)
    are_new: bool


async def ensure_default_project(
    store: Projects, directory: DataDirectory, settings: Settings
) -> DefaultKeys:
    """The default project's keys: those of the data directory as far as they are valid, else new ones."""
    project, issued = await _find_or_create(store, settings)
    if settings.currency and settings.currency != project.currency:
        if not project.currency_open:
            raise SettingsError(
                f"The currency of the default project is {project.currency}, not {settings.currency}:"
                " leave --currency out, or change it with"
                f" `shopalytic project update --currency {settings.currency}`."
            )
        project = await store.update_project(project.project_id, currency=settings.currency)
    kept = directory.read_keys()
    secrets = {issue.key.key_class.value: issue.secret for issue in issued}
    for key_class in KeyClass:
        if key_class.value in secrets:
            continue
        secret = kept.get(key_class.value, "")
        if not await _is_valid(store, secret, project, key_class):
            secret = (await store.create_key(project.project_id, key_class, LABEL)).secret
        secrets[key_class.value] = secret
    ordered = {key_class.value: secrets[key_class.value] for key_class in KeyClass}
    are_new = ordered != kept
    if are_new:
        directory.write_keys(NAME, ordered)
    return DefaultKeys(ordered, are_new)


async def _find_or_create(store: Projects, settings: Settings) -> tuple[Project, Iterable[IssuedKey]]:
    project = await store.find_project(NAME)
    if project is not None:
        return project, ()
    try:
        return await store.create_project(NAME, settings.currency or None, settings.time_zone)
    except AlreadyExists:
        # Another server that started at the same time was first.
        found = await store.find_project(NAME)
        if found is None:
            raise
        return found, ()


async def _is_valid(store: Projects, secret: str, project: Project, key_class: KeyClass) -> bool:
    found = await store.find_key(hash_secret(secret)) if is_secret(secret) else None
    return found is not None and found[1].project_id == project.project_id and found[0].key_class == key_class
