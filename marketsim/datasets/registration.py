"""The registration of a study: what was expected, written down in a file before the first run.

study.json holds the file's SHA-256 and `registered_utc`, earlier than each run's `started_utc`; a copy stands in the
study's folder below `given/`. A registration that comes after a run, or is another file than the one registered, is
refused. It is no part of a study's identity: a study that has runs cannot be registered any more.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from marketsim.datasets.integrity import MANIFEST, read_manifest
from marketsim.datasets.provenance import utc_now
from marketsim.errors import ResultError, UnreadableFileError
from marketsim.files import SHIPPED, data_file, read_file, sha256_of
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.study import MOST_REGISTERED, study_of

_MOST_WAIT_S = 5.0
_OTHER_STUDY = "begin another study: another seed, name or --out"


@dataclass(frozen=True, slots=True)
class Registration:
    """A registered file: its path below the scenario's root folder, the SHA-256 of its bytes [hex], and when."""

    path: str
    sha256: str
    registered_utc: str

    def as_object(self) -> dict[str, str]:
        """The same as study.json has it."""
        return asdict(self)


def registered_file(scenario: Scenario) -> Path | None:
    """Where the file stands that a scenario's study is registered by; None where it names none."""
    named = study_of(scenario.study).registration
    return None if named is None else data_file(named, scenario.root)


def registration_now(scenario: Scenario) -> Registration | None:
    """The registration of a study as its file stands now; None for a study without one."""
    file, named = registered_file(scenario), study_of(scenario.study).registration
    if file is None or named is None:
        return None
    return Registration(named, sha256_of((file,), MOST_REGISTERED), utc_now())


def registration_in(declared: Mapping[str, Any]) -> Registration | None:
    """The registration that a study.json holds."""
    told = declared.get("registration")
    return None if told is None else Registration(**told)


def kept_registration(
    now: Registration | None, held: Registration | None, folder: Path, *, again: bool
) -> Registration | None:
    """The registration a study goes on with: the held one, or `now` where none was held and nothing has run.

    Raises `ResultError` where the file is not the one registered or is no longer named, and where runs came first.
    again: a changed file may take the place of the registered one as long as nothing has run.
    """
    first = first_run(folder)
    if now is None:
        if held is None or (again and first is None):
            return None
        raise ResultError(
            f"{folder} was registered by {held.path} ({held.sha256}) and the scenario names no registration any more; "
            f"put `registration: {held.path}` back, or {_OTHER_STUDY}"
        )
    if held is not None and held.sha256 == now.sha256:
        return held
    if held is not None:
        if again and first is None:
            return now
        mend = _OTHER_STUDY if first else f"register the new one with --again, as nothing has run, or {_OTHER_STUDY}"
        raise ResultError(
            f"{now.path} was changed after it was registered at {held.registered_utc}: it was {held.sha256}, it is "
            f"{now.sha256}; put the file back (a copy is in {folder / 'given'}), or {mend}"
        )
    if first is not None:
        raise ResultError(
            f"{now.path} would be registered after the first run of {folder}, which began at {first}: a registration "
            f"comes before the runs; take `registration` out, or {_OTHER_STUDY}"
        )
    return now


def first_run(folder: Path) -> str | None:
    """When the first run that stands in a study's folder began (`started_utc`); None where there is none."""
    runs = folder / "runs"
    places = [path for path in runs.iterdir() if (path / MANIFEST).is_file()] if runs.is_dir() else []
    return min((str(read_manifest(path).get("started_utc", "an unknown time")) for path in places), default=None)


def runs_not_later(registration: Registration | None, paths: Iterable[str]) -> list[str]:
    """Of these run directories those that did not begin after the registration; none for a study without one."""
    if registration is None:
        return []
    return [path for path in paths if read_manifest(Path(path))["started_utc"] <= registration.registered_utc]


def wait_until_past(registration: Registration | None) -> None:
    """Wait out the second of a registration, so that no run begins in it: both instants are written in seconds.

    Raises `ResultError` where this machine's clock is behind that of the machine that registered.
    """
    if registration is None:
        return
    ends = datetime.fromisoformat(registration.registered_utc).timestamp() + 1
    left = ends - time.time()
    if left > _MOST_WAIT_S:
        raise ResultError(
            f"the study was registered at {registration.registered_utc}, and this machine's clock says {utc_now()}: "
            "its runs would seem to come first; set the clock"
        )
    if left > 0:
        time.sleep(left)


def kept_place(path: str) -> str:
    """Where the copy of a registered file stands below `given/` in a study's folder."""
    return f"shipped/{path.removeprefix(SHIPPED)}" if path.startswith(SHIPPED) else path


def registered_bytes(study: Path, registration: Registration) -> bytes:
    """The registered file, from the copy in a study's folder; raises `ResultError` where it is another one."""
    copy = study / "given" / kept_place(registration.path)
    try:
        data = read_file(copy, MOST_REGISTERED)
    except UnreadableFileError as error:
        raise ResultError(f"{copy}, the copy of the registered file: {error.message}") from error
    if hashlib.sha256(data).hexdigest() != registration.sha256:
        raise ResultError(f"{copy} is damaged: it is not the registered file, {registration.sha256}")
    return data
