"""The whole document: the Specs of all rooms composed to one."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import Field, PlainSerializer, PrivateAttr

from marketsim.events.family import EVENTS, EventSpec
from marketsim.issuers.token_spec import TokenSpec
from marketsim.kinds import WordOf
from marketsim.networks.influence import NETWORKS, NetworkSpec
from marketsim.ranges import ABOVE_ZERO, CADENCE, TEN_YEARS, Range
from marketsim.scenario.envelope import EnvelopeSpec
from marketsim.scenario.nodes import Node
from marketsim.scenario.run_block import RunSpec
from marketsim.scenario.study.study import StudySpec
from marketsim.spec import (
    EVERY_KEY,
    NONE_IN_WORDS,
    OMITTED_AT_DEFAULT,
    WORDS_FOR_NONE,
    Count,
    Duration,
    Factor,
    FileSpec,
    Identifier,
    Instant,
    Spec,
)
from marketsim.traders.group import TRADERS, TraderGroupSpec
from marketsim.units import NS_PER_SECOND, format_duration
from marketsim.venues.contract import MarketSpec
from marketsim.venues.underlying import UnderlyingSpec


class ClockSpec(Spec):
    """When the run starts, how long it is, how much of it is warm-up, how often `model.step()` reports."""

    start: Instant = 1_704_067_200 * NS_PER_SECOND
    duration: Annotated[Duration, TEN_YEARS]
    warmup: Duration = 0
    report_every: Annotated[Duration, ABOVE_ZERO] = 60 * NS_PER_SECOND


def _cadence_text(value: int | str | None) -> str:
    return "none" if value is None else value if isinstance(value, str) else format_duration(value)


_Cadence = Annotated[Duration | None, NONE_IN_WORDS, PlainSerializer(_cadence_text, when_used="json"), CADENCE]


class DepthRecordSpec(Spec):
    """Cumulative sizes within so many basis points of the mid."""

    bps: Annotated[tuple[Factor, ...], ABOVE_ZERO]
    every: Annotated[Duration, CADENCE]


class BookRecordSpec(Spec):
    """The best `levels` price levels a side."""

    levels: Annotated[Count, Range("1 to 1000", least=1, most=1_000)]
    every: Annotated[Duration, CADENCE]


class RecordSpec(Spec):
    """What is written down, and how often; none = not at all."""

    trades: Literal["all", "none"] = "all"
    orders: Literal["all", "none"] = "none"
    quotes: Annotated[
        Literal["change"] | Duration | None,
        NONE_IN_WORDS,
        PlainSerializer(_cadence_text, when_used="json"),
        CADENCE,
    ] = 10 * NS_PER_SECOND
    depth: Annotated[DepthRecordSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    book: Annotated[BookRecordSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    marks: _Cadence = 60 * NS_PER_SECOND
    tokens: _Cadence = 60 * NS_PER_SECOND
    cohorts: _Cadence = 3_600 * NS_PER_SECOND
    positions: _Cadence = 3_600 * NS_PER_SECOND


_NOT_OF_THE_WORLD = ("study", "seed", "name", "title", "references", "claim", "envelope")


class ScenarioSpec(Spec):
    """A resolved scenario as its parts declare it; as an object with its own doors it is `schema.Scenario`."""

    schema_version: Literal["marketsim/1"] = Field(alias="schema")
    name: Identifier
    title: str = ""
    references: tuple[str, ...] = ()
    claim: Annotated[Annotated[str, WordOf("claim")] | None, OMITTED_AT_DEFAULT] = None
    clock: ClockSpec
    seed: Count = 0
    underlyings: tuple[UnderlyingSpec, ...]
    markets: tuple[MarketSpec, ...]
    tokens: tuple[TokenSpec, ...] = ()
    traders: tuple[Annotated[TraderGroupSpec, TRADERS], ...] = ()
    networks: tuple[Annotated[NetworkSpec, NETWORKS], ...] = ()
    events: tuple[Annotated[EventSpec, EVENTS], ...] = ()
    record: RecordSpec = RecordSpec()
    envelope: Annotated[EnvelopeSpec | None, NONE_IN_WORDS, OMITTED_AT_DEFAULT] = None
    study: Annotated[StudySpec | None, NONE_IN_WORDS] = None
    run: Annotated[RunSpec | None, NONE_IN_WORDS] = None

    _root: Path = PrivateAttr(default=Path())
    _document: Node | None = PrivateAttr(default=None)
    _notices: tuple[str, ...] = PrivateAttr(default=())
    _beyond: tuple[str, ...] = PrivateAttr(default=())

    def remember(self, root: Path, document: Node, notices: tuple[str, ...] = (), beyond: tuple[str, ...] = ()) -> None:
        """Keep the root folder and the document this scenario was made from, and its notices; once, when it loads.

        beyond: how it leaves its envelope, a sentence each; these are notices too.
        """
        self._root, self._document, self._beyond = root, document, beyond
        self._notices = (*notices, *(f"envelope: {sentence}" for sentence in beyond))

    @property
    def notices(self) -> tuple[str, ...]:
        """What is valid in it and perhaps not meant, each with its place."""
        return self._notices

    @property
    def beyond_envelope(self) -> tuple[str, ...]:
        """How it leaves what its world was tested with, a sentence each."""
        return self._beyond

    @property
    def root(self) -> Path:
        """The folder that paths of index files in this scenario begin at."""
        return self._root

    @property
    def document(self) -> Node | None:
        """The document this scenario was made from, with the origin of every value that was written down."""
        return self._document

    def canonical(self) -> dict[str, Any]:
        """The scenario as JSON that is stored and hashed: values explicit, units in canonical text, keys sorted.

        Keys that are newer than this form are left out at their default (`spec.OMITTED_AT_DEFAULT`), and so is `run`,
        which says nothing of the world.
        """
        return {key: value for key, value in self._as_json({}).items() if key != "run"}

    def of_a_run(self) -> dict[str, Any]:
        """The canonical document as a run keeps it: without the registration, which the study's folder has."""
        document = self.canonical()
        (document.get("study") or {}).pop("registration", None)
        return document

    def complete(self) -> dict[str, Any]:
        """The canonical document with every key, for people and for paths that name a key; `run` where there is one."""
        document = self._as_json({EVERY_KEY: True})
        return {key: value for key, value in document.items() if key != "run" or value is not None}

    def _as_json(self, context: dict[str, Any]) -> dict[str, Any]:
        text = json.dumps(self.model_dump(mode="json", by_alias=True, context=context), default=str)
        return cast(dict[str, Any], json.loads(text, object_pairs_hook=lambda pairs: dict(sorted(pairs))))

    @property
    def resolved(self) -> dict[str, Any]:
        """The same as `canonical()`: what is stored as resolved.json."""
        return self.canonical()

    def sha256(self) -> str:
        """Identity of the world [hex]: SHA-256 of the canonical document without `_NOT_OF_THE_WORLD`.

        A file counts by its content, not by its place.
        """
        document = self.canonical()
        _drop_paths(self, document)
        world = {key: value for key, value in document.items() if key not in _NOT_OF_THE_WORLD}
        text = json.dumps(world, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode()).hexdigest()


def _drop_paths(spec: Spec, written: dict[str, Any]) -> None:
    """Take the paths of files out of a document, wherever a Spec in it is one of a file."""
    if isinstance(spec, FileSpec):
        del written["path"]
    for name, field in type(spec).model_fields.items():
        value, below = getattr(spec, name), written.get(field.alias or name)
        pairs = [(value, below)]
        if isinstance(value, tuple) and isinstance(below, list):
            pairs = list(zip(value, below, strict=True))
        for part, text in pairs:
            if isinstance(part, Spec) and isinstance(text, dict):
                _drop_paths(part, text)
