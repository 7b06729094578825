"""PostgreSQL's account under root: whatever it puts into its folders, nothing of root's is touched."""

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from running.running_service import folder
from shopalytic_server.embedded import EmbeddedPostgres, EmbeddedPostgresError, account_files, postmaster
from shopalytic_server.embedded.backup import back_up, restore
from shopalytic_server.embedded.installation import ACCOUNT_NAME

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, who may become somebody else")

WRITTEN = ("shopalytic.conf", "pg_hba.conf", "pg_ident.conf", "postmaster.pid", "PG_VERSION")
# What may stand in the place of a file, by a shell: $1 is the place, $2 a file of root's, $3 its folder.
TRICKS = {
    "link to a file": 'ln -s "$2" "$1"',
    "link to nothing": 'ln -s "$3/new" "$1"',
    "link to a folder": 'ln -s "$3" "$1"',
    "pipe": 'mkfifo "$1"',
    "folder": 'mkdir "$1"',
}


class Root:
    """Files that are root's alone, and what they were."""

    def __init__(self, place: Path) -> None:
        self.folder = place / "root's"
        self.file = self.folder / "secret"
        self.folder.mkdir()
        self.file.write_text("7f8e9d a secret of root")
        (self.folder / ".s.PGSQL.5432").write_text("a socket of root's")
        self._before = self._state()

    def _state(self) -> dict[str, tuple[int, int, str]]:
        paths = [self.folder, *self.folder.rglob("*")]
        return {
            str(path): (path.stat().st_mode, path.stat().st_uid, path.read_text() if path.is_file() else "")
            for path in paths
        }

    def is_untouched(self) -> bool:
        return self._state() == self._before


@pytest.fixture
def place() -> Iterator[Path]:
    with folder() as path:
        path.chmod(0o755)
        yield path
        if (left := postmaster.find(path / "data" / "postgres")) is not None:
            os.kill(left.pid, signal.SIGQUIT)


@pytest.fixture
def root(place: Path) -> Root:
    return Root(place)


def as_account(script: str, *words: str | Path) -> None:
    account = pwd.getpwnam(ACCOUNT_NAME)
    command = ["/bin/sh", "-euc", script, "sh", *map(str, words)]
    subprocess.run(
        command, user=account.pw_uid, group=account.pw_gid, extra_groups=[], cwd="/", check=True, timeout=30
    )


def started_once(data_dir: Path) -> EmbeddedPostgres:
    with EmbeddedPostgres(data_dir) as running, psycopg.connect(running.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
    return running


@pytest.mark.parametrize("trick", TRICKS)
def test_what_the_account_puts_in_the_place_of_our_files_leads_nowhere(
    place: Path, root: Root, trick: str
) -> None:
    pgdata = started_once(place / "data").pgdata
    for name in WRITTEN:
        as_account(f'rm -rf "$1"; {TRICKS[trick]}', pgdata / name, root.file, root.folder)
    with pytest.raises((EmbeddedPostgresError, OSError)) as refused:
        EmbeddedPostgres(place / "data").start()
    assert "7f8e9d" not in str(refused.value)
    assert root.is_untouched()
    as_account('rm -rf "$1"; echo 18 > "$1"', pgdata / "PG_VERSION")
    for name in WRITTEN if trick == "folder" else ():
        as_account('[ -d "$1" ] && rmdir "$1" || true', pgdata / name)
    with EmbeddedPostgres(place / "data") as running, psycopg.connect(running.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]
    assert root.is_untouched()
    account = pwd.getpwnam(ACCOUNT_NAME)
    for name in ("shopalytic.conf", "pg_hba.conf", "pg_ident.conf"):
        status = (pgdata / name).lstat()
        assert (status.st_mode, status.st_uid) == (0o100600, account.pw_uid)


@pytest.mark.parametrize("name", ["data", "long" * 30])
def test_a_stop_removes_only_the_folder_that_was_made_for_the_socket(
    place: Path, root: Root, name: str
) -> None:
    running = EmbeddedPostgres(place / name)
    running.start()
    found = running.postmaster()
    assert found is not None
    pid_file = running.pgdata / "postmaster.pid"
    as_account('sed -i "5s|.*|$2|" "$1"', pid_file, root.folder)
    if found.socket_dir != str(running.pgdata):
        as_account('mv "$1" "$1.away"; ln -s "$2" "$1"', found.socket_dir, root.folder)
    running.stop()
    assert root.is_untouched()
    if found.socket_dir != str(running.pgdata):
        Path(found.socket_dir).unlink()
        shutil.rmtree(found.socket_dir + ".away")


def test_a_process_of_root_is_not_ended_because_the_pid_file_names_it(place: Path) -> None:
    running = started_once(place / "data")
    bystander = subprocess.Popen(["sleep", "60"], cwd=running.pgdata)
    try:
        lines = [bystander.pid, running.pgdata, 1, 5432, running.pgdata, "", "1 1", "ready"]
        as_account(
            'printf "%s\\n" "$2" > "$1"', running.pgdata / "postmaster.pid", "\n".join(map(str, lines))
        )
        assert running.postmaster() is None
        running.stop()
        with running:
            pass
        assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


def test_the_name_of_another_machine_is_no_place_of_a_socket(place: Path) -> None:
    with EmbeddedPostgres(place / "data") as running:
        as_account('sed -i "5s|.*|evil.example|" "$1"', running.pgdata / "postmaster.pid")
        found = running.postmaster()
        assert found is not None
        assert found.socket_dir == str(running.pgdata)


def test_a_folder_changes_hands_without_what_its_links_lead_to(place: Path, root: Root) -> None:
    tree = place / "tree"
    (tree / "inner").mkdir(parents=True)
    (tree / "inner" / "file").write_text("x")
    for name in ("to folder", "inner/to folder"):
        (tree / name).symlink_to(root.folder)
    (tree / "inner" / "to file").symlink_to(root.file)
    account = pwd.getpwnam(ACCOUNT_NAME)
    account_files.give(tree, account.pw_uid, account.pw_gid)
    paths = (tree, *tree.rglob("*"))
    assert {path.lstat().st_uid for path in paths} == {account.pw_uid}
    account_files.take(tree)
    assert {path.lstat().st_uid for path in paths} == {0}
    assert root.is_untouched()


def test_a_backup_is_written_as_the_account_and_is_roots_afterwards(place: Path) -> None:
    closed = place / "closed"
    closed.mkdir(mode=0o700)
    with EmbeddedPostgres(place / "data") as running:
        with psycopg.connect(running.url()) as connection:
            connection.execute("CREATE TABLE kept AS SELECT 7 AS n")
        back_up(place / "data", closed / "copy")
    paths = [closed / "copy", *(closed / "copy").rglob("*")]
    assert {path.lstat().st_uid for path in paths} == {0}
    restore(closed / "copy", place / "again")
    with EmbeddedPostgres(place / "again") as running, psycopg.connect(running.url()) as connection:
        assert connection.execute("SELECT n FROM kept").fetchall() == [(7,)]
