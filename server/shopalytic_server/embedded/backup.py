"""Copies of the embedded PostgreSQL's data, made while it runs, and putting one back."""

import hashlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from shopalytic_server.embedded import account_files
from shopalytic_server.embedded import installation as installations
from shopalytic_server.embedded import postmaster as postmasters
from shopalytic_server.embedded.errors import EmbeddedPostgresError
from shopalytic_server.embedded.installation import Installation
from shopalytic_server.embedded.lock import make_private

SUPERUSER = "postgres"

# What a backup holds besides PostgreSQL's folder, if the data directory has it.
_BESIDE = ("keys.json",)


def back_up(data_dir: Path, target: Path) -> None:
    """Copies the data of a running PostgreSQL, as it is at the copy's end, into a new folder.

    Everything that was committed before the call is in it. The folder has
    another name until it is whole and checked.
    """
    if target.exists():
        raise EmbeddedPostgresError(f"{target} exists already; name a folder that does not.")
    pgdata = data_dir / "postgres"
    postmaster = postmasters.find(pgdata)
    if postmaster is None:
        raise EmbeddedPostgresError("The embedded PostgreSQL is not running; start it first.")
    installation = installations.prepare(data_dir, pgdata)
    unfinished = target.with_name(target.name + ".unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    (unfinished / "postgres").mkdir(mode=0o700, parents=True)
    unfinished.chmod(0o700)
    installation.give(unfinished / "postgres")
    # By the socket, which lets in whoever runs this.
    where = ["--host", postmaster.socket_dir, "--port", str(postmaster.port), "--username", SUPERUSER]
    copy = ["--pgdata", ".", "--checkpoint", "fast", "--wal-method", "stream"]
    copy += ["--manifest-checksums", "SHA256"]
    _run(installation, "pg_basebackup", ["--no-password", *where, *copy], unfinished / "postgres")
    account_files.take(unfinished / "postgres")
    _verify(unfinished / "postgres")
    for name in _BESIDE:
        if (data_dir / name).exists():
            shutil.copy2(data_dir / name, unfinished / name)
    unfinished.rename(target)


def restore(backup: Path, data_dir: Path) -> None:
    """Puts a backup into a data directory that has no data yet; the next start goes on from it."""
    if not (backup / "postgres" / "PG_VERSION").exists():
        raise EmbeddedPostgresError(f"{backup} is no backup; name a folder that `shopalytic backup` made.")
    pgdata = data_dir / "postgres"
    if pgdata.exists():
        raise EmbeddedPostgresError(
            f"{pgdata} exists already. Move it away, or name another --data-dir; nothing was changed."
        )
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    make_private(data_dir)
    installation = installations.prepare(data_dir, pgdata)
    _verify(backup / "postgres")
    unfinished = data_dir / "postgres.restoring"
    shutil.rmtree(unfinished, ignore_errors=True)
    shutil.copytree(backup / "postgres", unfinished, symlinks=True)
    unfinished.chmod(0o700)
    installation.give(unfinished)
    for name in _BESIDE:
        if (backup / name).exists() and not (data_dir / name).exists():
            shutil.copy2(backup / name, data_dir / name)
    unfinished.rename(pgdata)


def _verify(folder: Path) -> None:
    """Holds every file against the backup's manifest."""
    # https://www.postgresql.org/docs/current/backup-manifest-format.html
    # The wheel's own pg_verifybackup crashes at its start.
    try:
        files = json.loads((folder / "backup_manifest").read_bytes())["Files"]
    except (OSError, ValueError, KeyError) as error:
        raise EmbeddedPostgresError(f"{folder} has no readable backup_manifest: {error}") from error
    for entry in files:
        path = folder / entry["Path"]
        try:
            with path.open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise EmbeddedPostgresError(f"The backup cannot be used: {path}: {error.strerror}.") from error
        if found != entry["Checksum"]:
            raise EmbeddedPostgresError(f"The backup cannot be used: {path} is not what was backed up.")


def _run(installation: Installation, program: str, arguments: Sequence[str], folder: Path) -> None:
    """Runs a program of PostgreSQL in a folder of its account, as that account.

    It writes what the server says, so it must not be root. It stands in the folder, because the way there
    may be closed to it.
    """
    done = subprocess.run(
        [installation.command(program), *arguments],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **installation.process_options(),
    )
    if done.returncode != 0:
        last = done.stdout.decode(errors="replace").strip().splitlines()[-3:]
        raise EmbeddedPostgresError(f"{program} failed: {' '.join(last)}")
