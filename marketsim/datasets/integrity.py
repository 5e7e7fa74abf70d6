"""Whether what stands on the disk is what was written: every file is checked against its hash before it is believed.

A run's manifest has the SHA-256 of each table (`tables.NAME.file_sha256`), of the other files it closed with (`files`),
and of itself (`manifest_sha256`, over its canonical JSON without that key); study.json has those of the study's tables,
and of itself (`study_sha256`). A file is read once a process for this, as long as its size and time of change stay.
What is damaged is a `ResultError` that names it; `--again` makes it anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from marketsim.datasets.provenance import canonical_json
from marketsim.errors import DamagedResultError, ResultError

MANIFEST = "manifest.json"
_ADVICE = "--again makes it anew"
_seen: dict[tuple[str, int, int, int], str] = {}
_documents: dict[Path, None] = {}


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes [hex], read once a process while the file stays as it is; raises OSError."""
    stat = path.stat()
    key = (str(path.absolute()), stat.st_ino, stat.st_size, stat.st_mtime_ns)
    if key not in _seen:
        with path.open("rb") as file:
            _seen[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _seen[key]


def sealed(manifest: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """A manifest with the hashes of its tables' files, of the folder's other files, and of itself."""
    tables = {
        name: {**table, "file_sha256": file_sha256(folder / "tables" / f"{name}.parquet")}
        for name, table in manifest.get("tables", {}).items()
    }
    files = sorted(path for path in folder.iterdir() if path.is_file() and _is_sealed(path))
    hashes = {path.name: file_sha256(path) for path in files}
    return signed({**manifest, "tables": tables, "files": hashes}, "manifest_sha256")


def signed(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    """A document with its own hash under `key`, last."""
    whole = {name: value for name, value in document.items() if name != key}
    return {**whole, key: _hash_of(whole)}


def check_signed(document: Mapping[str, Any], key: str, path: Path) -> None:
    """Raise `ResultError` where a document is another one than the hash in it says, or has none."""
    whole = {name: value for name, value in document.items() if name != key}
    try:
        is_same = document.get(key) == _hash_of(whole)
    except ValueError:  # infinite or not a number: never written
        is_same = False
    if not is_same:
        raise DamagedResultError(f"{path} is damaged: it is not what was written; {_ADVICE}")


def _is_sealed(path: Path) -> bool:
    return path.name not in (MANIFEST, "report.html") and not path.name.startswith(".")


def _hash_of(document: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical_json(document)).hexdigest()


def read_json(path: Path) -> dict[str, Any]:
    """A JSON map; raises `ResultError`, naming the file, for anything else, FileNotFoundError where there is none."""
    try:
        value = json.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        raise
    except (OSError, ValueError, RecursionError) as error:
        raise DamagedResultError(f"{path} is damaged: {_reason(error)}; {_ADVICE}") from error
    if not isinstance(value, dict):
        raise DamagedResultError(f"{path} is damaged: it holds no JSON map; {_ADVICE}")
    _documents[path] = None
    return value


def documents_read() -> list[Path]:
    """The JSON documents that this process has read, in order."""
    return list(_documents)


def _reason(error: Exception) -> str:
    if isinstance(error, OSError):
        return str(error.strerror)
    return "it is nested without end" if isinstance(error, RecursionError) else f"it is no JSON ({error})"


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a run directory; raises `ResultError` where it is not what was written, or not there."""
    path = folder / MANIFEST
    try:
        manifest = read_json(path)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ResultError(f"{folder} has no {MANIFEST}") from error
    check_signed(manifest, "manifest_sha256", path)
    tables, files = manifest.get("tables", {}), manifest.get("files", {})
    is_whole = isinstance(tables, dict) and all(isinstance(table, dict) for table in tables.values())
    is_whole = is_whole and isinstance(files, dict) and isinstance(manifest.get("versions", {}), dict)
    if not is_whole or not isinstance(manifest.get("status"), str):
        raise DamagedResultError(f"{path} is damaged: it is not what was written; {_ADVICE}")
    return manifest


def check_table(folder: Path, manifest: Mapping[str, Any], table: str) -> Path:
    """The file of a table, its bytes compared with the manifest; raises `ResultError` with the table's name."""
    path = folder / "tables" / f"{table}.parquet"
    recorded = manifest.get("tables", {}).get(table)
    if not path.is_file():
        if recorded is not None:
            raise DamagedResultError(f"{folder} is damaged: table {table} is missing; {_ADVICE}")
        raise ResultError(f"{folder} has no table {table}; its status is {manifest['status']!r}")
    if recorded is not None:
        _compare(path, recorded.get("file_sha256"), f"table {table}")
    return path


def check_file(folder: Path, manifest: Mapping[str, Any], name: str) -> Path:
    """One of the folder's other files, compared with the manifest; raises `ResultError` with the file's name."""
    path, recorded = folder / name, manifest.get("files", {}).get(name)
    if not path.is_file():
        if recorded is not None:
            raise DamagedResultError(f"{folder} is damaged: {name} is missing; {_ADVICE}")
        raise ResultError(f"{folder} has no {name}")
    _compare(path, recorded, name)
    return path


def _compare(path: Path, recorded: object, what: str) -> None:
    try:
        found = file_sha256(path)
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}") from error
    if recorded is not None and found != recorded:
        raise DamagedResultError(f"{path} is damaged: {what} is not what was written; {_ADVICE}")


def check_run(folder: Path) -> None:
    """Raise `DamagedResultError`, naming it, for the first file of a run directory that is not what was written."""
    found = damage(folder)
    if found is not None:
        raise DamagedResultError(found)


def damage(folder: Path) -> str | None:
    """What is damaged of a run directory, in a sentence; None where every file is what was written."""
    return next(_damages(folder), None)


def _damages(folder: Path) -> Iterator[str]:
    try:
        manifest = read_manifest(folder)
        for table in manifest.get("tables", {}):
            check_table(folder, manifest, table)
        for name in manifest.get("files", {}):
            check_file(folder, manifest, name)
    except ResultError as error:
        yield str(error)
