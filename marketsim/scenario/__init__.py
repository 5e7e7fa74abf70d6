"""The scenario language: from a file, or several, to the one explicit document that runs and is stored.

Lives here: reading YAML with positions (`loader`), merging, presets, overrides and origins (`resolve`), the composition
of all Specs (`document`), the scenario as an object (`schema`), the checks that a world is possible (`world`,
`bounds`), what there is (`registry`), and saying it in words (`describe`). May not live here: a parameter of its own;
those are declared as Specs beside the code that uses them (`venues`, `issuers`, `traders`), and this room only composes
them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from marketsim.errors import Problem
    from marketsim.scenario.schema import Scenario

__all__ = ["Scenario", "load", "load_text", "opened", "validate"]


def load(path: str | Path, set: Mapping[str, Any] | Sequence[str] = (), seed: int | None = None) -> Scenario:
    """Read, resolve and check a scenario file, or a shipped scenario (`marketsim:quickstart`, `marketsim:btc-perp@1`).

    Raises ScenarioError with every problem, sorted by line, and UnknownScenarioError for a name that there is not.
    set: overrides by path, as `{"tokens.BTC3L.aum": "100 MUSDT"}` or `["tokens.BTC3L.aum=100 MUSDT"]`.

    >>> world = marketsim.load("marketsim:crowded-reset", set={"tokens.BTC3L.aum": "100 MUSDT"})
    >>> world.tokens[0].id, float(world.tokens[0].aum.amount)
    ('BTC3L', 100000000.0)
    """
    from marketsim.scenario.schema import Scenario

    return Scenario.load(path, set, seed)


def load_text(
    text: str,
    set: Mapping[str, Any] | Sequence[str] = (),
    seed: int | None = None,
    folder: str | Path = ".",
    name: str = "text",
) -> Scenario:
    """Resolve and check a scenario given as text; the files it names are below `folder`."""
    from marketsim.scenario import resolve
    from marketsim.scenario.schema import Scenario

    return resolve.load_text(Scenario, text, set, seed, folder, name)


def opened(
    scenario: str | Path | Mapping[str, Any] | Scenario,
    set: Mapping[str, Any] | Sequence[str] = (),
    seed: int | None = None,
) -> Scenario:
    """A scenario from what names one (a file, `marketsim:NAME`) or holds one (a map, a Scenario), with set and seed."""
    from marketsim.scenario.resolve import varied
    from marketsim.scenario.schema import Scenario

    if isinstance(scenario, (str, Path)):
        return Scenario.load(scenario, set, seed)
    loaded = scenario if isinstance(scenario, Scenario) else Scenario.from_dict(scenario)
    return varied(loaded, set, seed=seed)


def validate(path: str | Path) -> list[Problem]:
    """Every problem of a scenario file, sorted by line; none when it is valid. Nothing runs."""
    from marketsim.scenario.resolve import validate as problems_of

    return problems_of(path)


def __getattr__(name: str) -> Any:
    if name == "Scenario":
        from marketsim.scenario.schema import Scenario

        return Scenario
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
