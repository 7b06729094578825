"""Generates the Python code and the published image from the protos, and checks them.

    protos/generate.py                 write clients/python/shopalytic/v1 and the image
    protos/generate.py --check         fail if what is written is not what the protos give
    protos/generate.py --lint          buf lint
    protos/generate.py --breaking REV  buf breaking against the protos of a git revision

Nothing here needs a network.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from generator.archive import NAME as ARCHIVE_NAME
from generator.archive import write_archive
from generator.buf import breaking, lint
from generator.calls import write_calls
from generator.dimensions import write_dimensions
from generator.event_page import write_event_page
from generator.image import (
    GenerationError,
    RuleBook,
    compile_image,
    own_files,
    run_protoc,
    without_rules_import,
)
from generator.properties import write_properties
from generator.readers import write_readers
from generator.rules import write_rules
from generator.schema import Schema
from generator.stubs import write_stubs
from generator.tables import write_tables

ROOT = Path(__file__).resolve().parent.parent
PROTOS = ROOT / "protos"
PACKAGE = ROOT / "clients" / "python" / "shopalytic"
IMAGE_NAME = "shopalytic.v1.binpb"
EVENT_PAGE = ROOT / "docs" / "reference" / "events.md"
DIMENSIONS = ROOT / "clients" / "dashboard" / "src" / "dimensions.json"
VECTORS = ROOT / "tests" / "vectors"


def generated(work: Path) -> dict[Path, bytes]:
    """Every generated file by its path."""
    image = compile_image(PROTOS, work)
    files = {IMAGE_NAME: image.SerializeToString(deterministic=True)}
    files[ARCHIVE_NAME] = write_archive(image, PROTOS)
    stripped, out = work / "stripped.binpb", work / "out"
    stripped.write_bytes(without_rules_import(image).SerializeToString(deterministic=True))
    out.mkdir()
    own = list(own_files(image))
    options = [f"--{kind}_out={out}" for kind in ("python", "pyi", "grpc_python")]
    run_protoc([f"--descriptor_set_in={stripped}", *options, *(file.name for file in own)])
    for path in sorted(out.rglob("*.py*")):
        files[path.relative_to(out / "shopalytic").as_posix()] = path.read_bytes()
    for file in own:
        module = file.name.removeprefix("shopalytic/").replace(".proto", "_pb2_grpc")
        if file.service:
            files[f"{module}.pyi"] = write_stubs(file).encode()
        else:
            del files[f"{module}.py"]
    book = RuleBook(image)
    schema = Schema(book)
    files["v1/rules.py"] = write_rules(book, schema).encode()
    files["v1/readers.py"] = write_readers(book, schema).encode()
    files["v1/properties.py"] = write_properties(schema).encode()
    files["v1/calls.py"] = write_calls(book, schema).encode()
    files["v1/tables.py"] = write_tables(book, schema).encode()
    page = write_event_page(image, book, schema, VECTORS).encode()
    beside = {EVENT_PAGE: page, DIMENSIONS: write_dimensions().encode()}
    return {PACKAGE / name: content for name, content in files.items()} | beside


def stale_files(files: dict[Path, bytes]) -> list[Path]:
    """Files that differ from the generated ones, are missing, or are no longer generated."""
    present = {path for path in (PACKAGE / "v1").glob("*.py*") if path.name != "__init__.py"}
    changed = {path for path, content in files.items() if not path.exists() or path.read_bytes() != content}
    return sorted(changed | (present - files.keys()))


def write(files: dict[Path, bytes]) -> None:
    """Brings the repository to what is generated."""
    for path in stale_files(files):
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[path])
            print(f"wrote {path.relative_to(ROOT)}")
        else:
            path.unlink()
            print(f"removed {path.relative_to(ROOT)}")


def check(files: dict[Path, bytes]) -> None:
    """Raises GenerationError when the generated code is not that of the protos."""
    stale = [str(path.relative_to(ROOT)) for path in stale_files(files)]
    if stale:
        raise GenerationError(
            f"not what the protos give: {', '.join(stale)}. Run `make protos` and commit the result."
        )


def main(arguments: list[str] | None = None) -> int:
    """Runs one command; 0 when all is well, 1 with a sentence when not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--check", action="store_true", help="compare, write nothing")
    choice.add_argument("--lint", action="store_true", help="run buf lint")
    choice.add_argument("--breaking", metavar="REV", help="run buf breaking against a git revision")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        try:
            if options.lint:
                lint(ROOT, work)
            elif options.breaking:
                print(breaking(ROOT, work, options.breaking))
            elif options.check:
                check(generated(work))
            else:
                write(generated(work))
        except GenerationError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
