"""A scenario as an object: read from a file, a map or another scenario, changed, written down, said in words."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from html import escape
from pathlib import Path
from typing import Any, Self

from marketsim.errors import Problem, ScenarioError
from marketsim.networks.influence import NETWORKS
from marketsim.scenario import resolve
from marketsim.scenario.describe import as_yaml
from marketsim.scenario.document import ScenarioSpec
from marketsim.scenario.sentences import in_sentences
from marketsim.scenario.values import value_in_json
from marketsim.spec import Spec
from marketsim.traders.group import TRADERS


class Scenario(ScenarioSpec):
    """A resolved scenario: explicit, complete, the thing that runs and is stored beside its rows.

    Immutable: `with_` returns another one.

    >>> world = marketsim.Scenario.load("marketsim:quickstart")
    >>> larger = world.with_({"tokens.BTC3L.aum": "100 MUSDT", "seed": 7})
    >>> float(world.tokens[0].aum.amount), float(larger.tokens[0].aum.amount), larger.seed
    (4000000.0, 100000000.0, 7)
    >>> marketsim.Scenario.from_dict({"extends": "marketsim:quickstart"}).sha256() == world.sha256()
    True
    >>> try:
    ...     world.with_({"tokens.BTC3L.aum": "100 EUR"})
    ... except marketsim.errors.ScenarioError as error:
    ...     print(error)
    tokens.BTC3L.aum: this is in EUR, its market is in USDT; was '100 EUR'; allowed: USDT
    """

    @classmethod
    def load(cls, path: str | Path, set: Mapping[str, Any] | Sequence[str] = (), seed: int | None = None) -> Self:
        """Read, resolve and check a scenario file, or a shipped scenario (`marketsim:quickstart`).

        set, seed: laid over it. Raises ScenarioError with every problem, sorted by line, and UnknownScenarioError for a
        name that there is not.
        """
        return resolve.load(cls, path, set, seed)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any], *, folder: str | Path = ".") -> Self:
        """Resolve and check a scenario given as a map with the keys of a scenario file.

        Values are as in a file: text with units (`"100 MUSDT"`), numbers, lists and maps; `extends` and files of prices
        are looked for from `folder`. Raises ScenarioError with every problem, each with the path of its value
        (`tokens.BTC3L.aum`), and UsageError for a value that no scenario can hold.
        """
        return resolve.load_map(cls, document, folder)

    def with_(self, changes: Mapping[str, Any]) -> Self:
        """The same scenario with values laid over it by their paths, checked like a file.

        changes: as `{"tokens.BTC3L.aum": "100 MUSDT", "tokens.*.rebalance.at": "00:04"}`; `*` stands for all of a list.
        Text is one YAML value; `None` takes a key out. Defaults that follow from another value (the start of a token
        from its basket) follow the new one. Raises ScenarioError with the path of every value that is wrong.
        """
        try:
            return resolve.varied(self, changes)
        except ScenarioError as error:
            raise ScenarioError([_without_option(problem) for problem in error.problems]) from None

    def to_yaml(self) -> str:
        """The scenario as a file with every default written in; read again, it has the same `sha256()`.

        Paths of files of prices begin at `root`.
        """
        return as_yaml(self)

    def sentences(self) -> str:
        """What the scenario means, in words: a paragraph a part, as `marketsim show --sentences` prints them."""
        return in_sentences(self)

    def _repr_html_(self) -> str:
        """In a notebook: name, title and what the scenario means, in words."""
        told = "".join(f"<p>{escape(part)}</p>" for part in self.sentences().split("\n\n"))
        return f"<div><strong>{escape(self.title or self.name)}</strong> <code>{escape(self.name)}</code>{told}</div>"


_PLAIN_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def _without_option(problem: Problem) -> Problem:
    """A problem of an override that is not of the command line: its place is the path of its value."""
    option = problem.file.removeprefix("--set ")
    if option == problem.file:
        return problem
    return replace(problem, file="", line=0, column=0, path=problem.path or option)


def json_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of scenario files, for editors: shapes and words; what `validate` checks goes further.

    Nothing is required, because a base, a preset or a sibling may bring it.
    """
    schema = Scenario.model_json_schema(by_alias=True)
    text, flag = {"type": "string"}, {"type": "boolean"}
    schema["properties"]["extends"] = text
    for section, name in (("UnderlyingSpec", ""), ("MarketSpec", "preset"), ("TokenSpec", "preset")):
        schema["$defs"][section]["properties"] |= {"like": text, "delete": flag} | ({name: text} if name else {})
    for kind in (*TRADERS.kinds.values(), *NETWORKS.kinds.values()):
        schema["$defs"][kind.__name__]["properties"] |= {"like": text, "delete": flag}
    specs = {spec.__name__: spec for spec in _all_specs(Spec)}
    parts: list[tuple[dict[str, Any], type[Spec]]] = [(schema, Scenario)]
    parts += [(part, specs[name]) for name, part in schema["$defs"].items()]
    for part, spec in parts:
        part.pop("required", None)
        _write_defaults(part["properties"], spec)
        for key, shape in part["properties"].items():
            part["properties"][key] = {"anyOf": [{"enum": [None, "none"]}, {**shape}]}
    for holder in ("MarginSpec", "TokenAccountSpec"):
        schema["$defs"][holder]["properties"]["tiers"]["anyOf"].append({**text, "description": "name of a table"})
    schema["$defs"]["TokenSpec"]["properties"]["primary"]["anyOf"].append({"const": {"mode": "none"}})
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_any_of(schema)}


def _all_specs(spec: type[Spec]) -> Iterator[type[Spec]]:
    for kind in spec.__subclasses__():
        yield kind
        yield from _all_specs(kind)


def _write_defaults(properties: dict[str, Any], spec: type[Spec]) -> None:
    """Put each default as a file has it, `8h`, where pydantic writes the number that the program holds."""
    for name, field in spec.model_fields.items():
        shape = properties[field.alias or name]
        default = field.get_default(call_default_factory=True)
        if isinstance(default, Spec):
            shape.pop("default", None)  # each of its keys has its own
        elif "default" in shape:
            written = None if default is None else value_in_json(spec, name, default)
            is_number = isinstance(default, Decimal) or not isinstance(written, str)
            shape["default"] = _with_numbers(written) if is_number else written


def _with_numbers(value: Any) -> Any:
    """The same value with plain numbers, which canonical JSON has as text, as numbers."""
    if isinstance(value, dict):
        return {key: _with_numbers(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_with_numbers(inner) for inner in value]
    return float(value) if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value) else value


def _any_of(shape: Any) -> Any:
    """The same shapes without `oneOf`: a part that leaves its kind to a base fits several."""
    if isinstance(shape, dict):
        kept = {key: _any_of(value) for key, value in shape.items() if key != "discriminator"}
        return {"anyOf" if key == "oneOf" else key: value for key, value in kept.items()}
    return [_any_of(item) for item in shape] if isinstance(shape, list) else shape
