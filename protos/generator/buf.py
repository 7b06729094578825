"""Runs buf's lint and breaking checks on images, so that they need no network."""

import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

from generator.image import GenerationError, compile_image


def lint(root: Path, work: Path) -> None:
    """Raises GenerationError with buf's complaints about the protos."""
    compile_image(root / "protos", work)
    _buf(root, work, ["lint", str(work / "image.binpb"), "--path", "shopalytic"])


def breaking(root: Path, work: Path, revision: str) -> str:
    """Compares with the protos of a git revision; raises GenerationError with what breaks."""
    before = work / "before"
    before.mkdir()
    if not _protos_of(root, revision, before):
        return f"{revision} has no protos to compare with."
    old, new = work / "old", work / "new"
    old.mkdir()
    new.mkdir()
    compile_image(before / "protos", old)
    compile_image(root / "protos", new)
    against = str(old / "image.binpb")
    arguments = ["breaking", str(new / "image.binpb"), "--against", against, "--path", "shopalytic"]
    _buf(root, work, arguments, without=_ANNOUNCED if _lacks_packages(before) else ())
    return f"Nothing breaks what was built on the protos of {revision}."


# The names of generated code were given once, as an announced change. Since then
# they are kept like everything else.
_ANNOUNCED = (
    "FILE_SAME_CSHARP_NAMESPACE",
    "FILE_SAME_JAVA_MULTIPLE_FILES",
    "FILE_SAME_JAVA_PACKAGE",
    "FILE_SAME_PHP_METADATA_NAMESPACE",
    "FILE_SAME_PHP_NAMESPACE",
    "FILE_SAME_SWIFT_PREFIX",
)


def _lacks_packages(before: Path) -> bool:
    return any("option java_package" not in path.read_text() for path in before.rglob("*.proto"))


def _protos_of(root: Path, revision: str, target: Path) -> bool:
    """Writes the protos of a revision; False when it has none."""
    commit = _git(root, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if commit.returncode:
        raise GenerationError(f"{revision} is not a revision of this repository (a shallow clone?)")
    listed = _git(root, "ls-tree", "-r", "--name-only", revision, "--", "protos/shopalytic")
    names = [name for name in listed.stdout.decode().splitlines() if name.endswith(".proto")]
    for name in names:
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_git(root, "show", f"{revision}:{name}").stdout)
    return bool(names)


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    git = shutil.which("git")
    if git is None:
        raise GenerationError("git is not installed; it is needed to read the protos of a revision")
    return subprocess.run([git, "-C", str(root), *arguments], capture_output=True, check=False)


def _buf(root: Path, work: Path, arguments: list[str], without: tuple[str, ...] = ()) -> None:
    # In an image the files' paths begin at the module's root, and its imports are inside.
    settings = (root / "buf.yaml").read_text().replace("protos/shopalytic/", "shopalytic/")
    if without:
        settings = f"{settings.rstrip()}\n  except:\n" + "".join(f"    - {rule}\n" for rule in without)
    config = work / "buf.yaml"
    config.write_text(settings)
    buf = Path(sysconfig.get_path("scripts")) / ("buf.exe" if sys.platform == "win32" else "buf")
    done = subprocess.run(
        [str(buf), *arguments, "--config", str(config)],
        capture_output=True,
        text=True,
        check=False,
        cwd=work,
    )
    if done.returncode:
        raise GenerationError((done.stdout + done.stderr).strip())
