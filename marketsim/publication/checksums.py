"""SHA256SUMS: the hash of every other file of a package, in the form that `sha256sum --check` reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from marketsim.datasets.integrity import file_sha256
from marketsim.publication.layout import CHECKSUMS, LEDGER

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


def package_files(package: Path) -> list[str]:
    """The paths of all files of a package but the checksums' own, sorted."""
    paths = (path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file())
    return sorted(path for path in paths if path not in (CHECKSUMS, LEDGER))


def checksums(package: Path, known: Mapping[str, str]) -> str:
    """The text of SHA256SUMS; `known` are hashes that need no reading."""
    paths = package_files(package)
    return "".join(f"{known.get(path) or file_sha256(package / path)}  {path}\n" for path in paths)


def read_checksums(text: str) -> dict[str, str]:
    """Path to hash, as SHA256SUMS has them; lines of another form are left out."""
    lines = (_LINE.fullmatch(line) for line in text.splitlines())
    return {line[2]: line[1] for line in lines if line}
