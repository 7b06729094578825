"""Makes certificates for tests, with the openssl command."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Pair:
    """A certificate that signs itself, and its key."""

    certificate: Path
    key: Path


def expire(pair: Pair) -> None:
    """Lets a certificate have ended yesterday."""
    files = ["-in", str(pair.certificate), "-signkey", str(pair.key), "-out", str(pair.certificate)]
    subprocess.run(["openssl", "x509", "-days", "-1", *files], check=True, capture_output=True)


def make_pair(folder: Path, name: str) -> Pair:
    """A new pair for this machine's names; over an old one where there is one."""
    if shutil.which("openssl") is None:
        pytest.skip("the openssl command, which makes the certificates, is not here")
    pair = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    files = ["-keyout", str(pair.key), "-out", str(pair.certificate)]
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-nodes",
            "-days",
            "2",
            *curve,
            "-subj",
            f"/CN={name}",
            "-addext",
            names,
            *files,
        ],
        check=True,
        capture_output=True,
    )
    return pair
