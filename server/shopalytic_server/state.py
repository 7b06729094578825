"""The small files of a data directory: the default project's keys, and who serves there now."""

import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KEYS_FILE = "keys.json"
RUN_FILE = "run.json"


class DataDirectory:
    """The files beside the embedded database. All are readable by their owner only."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def create(self) -> None:
        """Make the directory, closed to others, if it is not there."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    @property
    def keys_path(self) -> Path:
        """Where the default project's secrets are kept, so that a restart has the same ones."""
        return self.path / KEYS_FILE

    def read_keys(self) -> dict[str, str]:
        """Secrets by key class; empty when none were kept."""
        content = _read_json(self.keys_path).get("keys")
        if not isinstance(content, dict):
            return {}
        return {str(name): secret for name, secret in content.items() if isinstance(secret, str)}

    def write_keys(self, project: str, keys: Mapping[str, str]) -> None:
        """Keep the default project's secrets."""
        write_json(self.keys_path, {"project": project, "keys": dict(keys)})

    def read_run(self) -> dict[str, Any]:
        """What a service that runs here wrote of itself; empty when none did."""
        return _read_json(self.path / RUN_FILE)

    def write_run(self, facts: Mapping[str, Any]) -> None:
        """Tell other commands where this service and its database are."""
        write_json(self.path / RUN_FILE, {**facts, "pid": os.getpid()})

    def remove_run(self) -> None:
        """Say that this process serves here no more; another one's facts stay."""
        if self.read_run().get("pid") == os.getpid():
            (self.path / RUN_FILE).unlink(missing_ok=True)


def is_running(run: Mapping[str, Any]) -> bool:
    """Whether the process that wrote these facts is alive. A killed one leaves its facts behind."""
    pid = run.get("pid")
    if not isinstance(pid, int):
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Replace a file whole: a reader sees the old content or the new, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(
            os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        raise OSError(None, "is not readable as JSON; repair or remove it", str(path)) from None
    return content if isinstance(content, dict) else {}
