"""What a registration asks to be computed: a TOML file whose `analysis` is one of `ANALYSES`.

Each analysis reads its own keys of it. Other keys and text are the registration's own; of any other registration
nothing is computed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

from marketsim.datasets.registration import registered_bytes, registered_file
from marketsim.datasets.study import Study
from marketsim.errors import UsageError
from marketsim.files import read_file
from marketsim.scenario.schema import Scenario
from marketsim.scenario.study.study import MOST_REGISTERED, study_of

LOOP, IN_TURN, CLOCKS, ROBUSTNESS = "reset loop", "resets in turn", "clock game", "robustness"
ANALYSES = (LOOP, IN_TURN, CLOCKS, ROBUSTNESS)


def asked_for(analysis: str, data: bytes, name: str) -> Mapping[str, Any] | None:
    """The keys of a registration that asks for this analysis; None where it asks for none or another.

    Raises `UsageError` for what is no TOML, or an analysis that there is not.
    """
    if not name.endswith(".toml"):
        return None
    try:
        told = tomllib.loads(data.decode("utf-8"))
    except ValueError as error:
        raise UsageError(f"{name}: this is no TOML ({error}); a registration in another form ends otherwise") from error
    named = told.get("analysis", analysis)
    if named not in ANALYSES:
        raise UsageError(f"{name}: analysis: was {named!r}; allowed: {', '.join(map(repr, ANALYSES))}, or no such key")
    return told if told.get("analysis") == analysis else None


def registration_of(study: Study) -> tuple[bytes, str] | None:
    """The registered file of a study and its name; None where it has none."""
    held = study.registration
    return None if held is None else (registered_bytes(study.path, held), held.path)


def registration_for(scenario: Scenario) -> tuple[bytes, str] | None:
    """The file that a study would be registered by and its name; None where it names none."""
    file = registered_file(scenario)
    if file is None:
        return None
    return read_file(file, MOST_REGISTERED), str(study_of(scenario.study).registration)
