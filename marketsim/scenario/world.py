"""Impossible worlds: what each part allows by itself, and the parts together do not. Nothing here runs anything."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from marketsim.errors import DataFileError, UnitError, UnreadableFileError
from marketsim.events.family import Surroundings
from marketsim.files import SHIPPED, sha256_of, shipped_folder
from marketsim.kinds import Family
from marketsim.market_data.content import MOST_BYTES
from marketsim.networks.influence import NETWORKS
from marketsim.scenario.defaults import books
from marketsim.scenario.document import ClockSpec
from marketsim.scenario.loader import below_root, root_folder
from marketsim.scenario.nodes import INCOMPLETE, Node, Problems, at, id_of, named, near, nearest
from marketsim.scenario.nodes import Path as Keys
from marketsim.scenario.study.study import MOST_REGISTERED
from marketsim.spec import QUOTE, Distribution, Fault, FileSpec, Spec
from marketsim.traders.group import TRADERS
from marketsim.units import NS_PER_SECOND, Money, Size, format_duration
from marketsim.venues.contract import MarketSpec
from marketsim.venues.correlation import correlation_faults
from marketsim.venues.index.family import IndexSpec
from marketsim.venues.index.index_path import PreparedIndex
from marketsim.venues.underlying import UnderlyingSpec

END_OF_TIME_NS = 253_402_300_800 * NS_PER_SECOND
"""Where written instants end: 10000-01-01T00:00:00Z [ns since 1970]."""

LEDGER_ROLES = ("venue", "insurance", "outside", "outside_holders", "issuer", "rounding", "market_pool")
_REFERENCES: tuple[tuple[str, Keys, str], ...] = (
    ("markets", ("underlying",), "underlyings"),
    ("underlyings", ("index", "markets"), "markets"),
    ("tokens", ("basket",), "markets"),
    ("events", ("underlying",), "underlyings"),
    ("events", ("market",), "markets"),
    ("events", ("token",), "tokens"),
    ("events", ("subject",), "tokens or markets"),
)
_SECTIONS = ("underlyings", "markets", "tokens", "traders", "networks")
_OWN_NAMES = {"underlyings": "underlying ", "networks": "network "}
"""Sections whose ids are never columns of a table, and may be those of something else."""


@dataclass
class ScenarioDraft:
    """The parts of a scenario that are right so far, with the document they come from."""

    parts: dict[str, Any]
    root: Node
    problems: Problems
    notices: list[str] = field(default_factory=list)
    """What is valid in it and perhaps not meant, and what a file was taken for, each with its place."""

    def items(self, section: str) -> Iterator[tuple[Keys, Any]]:
        """The right parts of a section, each with its path."""
        for position, spec in enumerate(self.parts.get(section) or ()):
            if spec is not None:
                yield (section, position), spec

    def listed(self, section: str) -> list[Node]:
        """What is written down in a section, right or wrong."""
        node = self.root.map.get(section)
        return node.list if node is not None else []

    def by_id(self, section: str) -> dict[str, Any]:
        """The right parts of a section by id."""
        return {spec.id: spec for _, spec in self.items(section)}

    def books(self) -> dict[str, MarketSpec]:
        """The right markets by id, the tokens' own among them."""
        markets = self.by_id("markets")
        return markets | books((spec for _, spec in self.items("tokens")), markets)

    def at(self, path: Keys, message: str, allowed: str = "", suggestion: str = "") -> None:
        """Note a problem at a path."""
        self.problems.at(self.root, path, message, allowed, suggestion)

    def faults(self, path: Keys, faults: Iterable[Fault]) -> bool:
        """Note what the Spec at a path finds wrong with itself; whether that is anything."""
        found = list(faults)
        for fault in found:
            note = self.problems.at_key if fault.is_key else self.problems.at
            note(self.root, (*path, *fault.path), fault.message, fault.allowed, fault.suggestion)
        return bool(found)

    def unit(self, path: Keys, error: UnitError) -> None:
        """Note a problem at a path, or at the key below it that the error names, in the words of who found it."""
        path = (*path, error.key) if isinstance(error, DataFileError) else path
        place = nearest(self.root, path).place
        self.problems.add(place, named(self.root, path), error.text, error.message, error.allowed, error.suggestion)


def prepared_indices(draft: ScenarioDraft, file: Path) -> dict[str, PreparedIndex]:
    """Check every index and every correlation; what each index of a right underlying has read, by underlying.

    `file` is the scenario's; paths of index files become relative to its root folder, and get their file's SHA-256.
    """
    clock, prepared = draft.parts.get("clock"), {}
    for path, underlying in list(draft.items("underlyings")):
        if clock is None:
            continue
        keys = ("index",) if underlying.latent is None else ("index", "latent")
        checked = {key: _checked_index(draft, (*path, key), getattr(underlying, key), clock, file) for key in keys}
        found = {key: index for key, index in checked.items() if index is not None}
        if len(found) < len(keys) or draft.faults(path, underlying.faults()):
            continue
        draft.parts["underlyings"][path[1]] = underlying.model_copy(update=found)
        read = {}
        for key in (key for key, spec in found.items() if not spec.shows_latent):
            try:
                start_ns, duration_ns, root = clock.start, clock.duration, root_folder(file)
                read[key] = found[key].prepare(start_ns=start_ns, duration_ns=duration_ns, root=root)
            except UnitError as error:
                draft.unit((*path, key), error)
            else:
                place = named(draft.root, (*path, key))
                draft.notices += [f"{place}: {notice}" for notice in read[key].notices]
        levels = read.get("latent" if found["index"].shows_latent else "index")
        if levels is not None:
            prepared[underlying.id] = levels
    positions, specs = zip(*draft.items("underlyings"), strict=True) if draft.by_id("underlyings") else ((), ())
    for fault in correlation_faults(specs):
        draft.faults(positions[int(fault.path[0])], [replace(fault, path=fault.path[1:])])
    return prepared


def _checked_index(
    draft: ScenarioDraft, keys: Keys, index: IndexSpec, clock: ClockSpec, file: Path
) -> IndexSpec | None:
    """An index or a latent fundamental that is right by itself, with its file known; None for one that is not."""
    is_wrong = next(index.out_of_range(), None) is not None
    if is_wrong or draft.faults(keys, index.faults(clock.duration)):
        return None
    return _with_file(draft, keys, index, file) if isinstance(index, FileSpec) else index


def check_tapes(draft: ScenarioDraft, file: Path) -> None:
    """Check every record of funding; paths become relative to the root folder, and files get their SHA-256."""
    clock = draft.parts.get("clock")
    for path, market in list(draft.items("markets")):
        tape, keys = market.funding.tape, (*path, "funding", "tape")
        if tape is None or clock is None or draft.faults(keys, tape.faults()):
            continue
        found = _with_file(draft, keys, tape, file)
        if found is None:
            continue
        funding = market.funding.model_copy(update={"tape": found})
        draft.parts["markets"][path[1]] = market.model_copy(update={"funding": funding})
        try:
            read = found.read(start_ns=clock.start, duration_ns=clock.duration, root=root_folder(file))
        except UnitError as error:
            draft.unit(keys, error)
        else:
            draft.notices += [f"{named(draft.root, keys)}: {notice}" for notice in read.notices]


def check_parts(draft: ScenarioDraft) -> None:
    """Check what each part says by itself and about others: ids, ranges, references, currencies, the clock, events."""
    for section in ("clock", "record", "run", "envelope"):
        if draft.parts.get(section) is not None:
            _check_ranges(draft, (section,), draft.parts[section])
    for section in (*_SECTIONS, "events"):
        for path, spec in draft.items(section):
            _check_ranges(draft, path, spec)
    _check_ids(draft)
    _check_clock(draft)
    _check_references(draft)
    _check_currencies(draft)
    _check_events(draft)
    seed = draft.parts.get("seed")
    if seed is not None and not 0 <= seed < 2**63:
        draft.at(("seed",), "this number is out of range", "0 to 2^63 - 1")
    _check_study(draft)
    _check_envelope(draft)


FileSpecKind = TypeVar("FileSpecKind", bound=FileSpec)


@dataclass(frozen=True)
class _NamedFile:
    """A file that a value names: as it is written there, where it is, and the root folder it has to stay below."""

    text: str
    target: Path
    root: Path
    prefix: str

    @property
    def path(self) -> str:
        """Relative to the root folder, or shipped: as the resolved document has it."""
        return self.prefix + Path(os.path.realpath(self.target)).relative_to(self.root).as_posix()


def _named_file(draft: ScenarioDraft, keys: Keys, file: Path) -> _NamedFile | None:
    """The file that the value at `keys` names; None, and a problem, where that leads out of the root folder."""
    node = at(draft.root, keys)
    assert node is not None
    root, prefix = root_folder(file), ""
    is_in_a_file = bool(node.place.file) and not node.origin.startswith("--set")
    folder = Path(node.place.file).parent if is_in_a_file else file.parent
    if _is_shipped(folder, root) or node.text.startswith(SHIPPED):
        root, prefix = shipped_folder(), SHIPPED
        if node.text.startswith(SHIPPED):
            folder, node = root, replace(node, value=node.text.removeprefix(SHIPPED))
    target = below_root(node, folder, root, named(draft.root, keys), draft.problems)
    return None if target is None else _NamedFile(node.text, target, root, prefix)


def check_registration(draft: ScenarioDraft, file: Path) -> None:
    """A study's registration is a file that is there; its path becomes relative to the root folder."""
    study, keys = draft.parts.get("study"), ("study", "registration")
    if study is None or study.registration is None:
        return
    found = _named_file(draft, keys, file)
    if found is None:
        return
    try:
        sha256_of((found.target,), MOST_REGISTERED)
    except UnreadableFileError as error:
        draft.at(keys, error.message, error.allowed)
    else:
        draft.parts["study"] = study.model_copy(update={"registration": found.path})


def _with_file(draft: ScenarioDraft, keys: Keys, spec: FileSpecKind, file: Path) -> FileSpecKind | None:
    """A Spec of a file with its path relative to the root folder, or shipped, what its content says, and its hash."""
    named_file = _named_file(draft, (*keys, "path"), file)
    if named_file is None:
        return None
    target, root = named_file.target, named_file.root
    try:
        spec = spec.recognised(target, named_file.text)
        files = spec.files(target)
        digest = sha256_of(files, MOST_BYTES)
    except UnitError as error:
        draft.unit(keys, error)
        return None
    except UnreadableFileError as error:
        draft.at((*keys, "path"), error.message, error.allowed)
        return None
    if any(not Path(os.path.realpath(each)).is_relative_to(root) for each in files):
        draft.at((*keys, "path"), "this path leads out of the scenario's root folder", f"files below {root}")
        return None
    if spec.sha256 not in (None, digest):
        draft.at((*keys, "sha256"), "the file is another one than this document was made with", digest)
    return spec.model_copy(update={"path": named_file.path, "sha256": digest})


def _is_shipped(folder: Path, root: Path) -> bool:
    """Whether a folder is the package's, and the scenario's own root folder another one."""
    return root != shipped_folder() and folder.resolve().is_relative_to(shipped_folder())


def _check_ranges(draft: ScenarioDraft, path: Keys, spec: Spec) -> None:
    for below, range_of_field in spec.out_of_range():
        draft.at((*path, *below), "this number is out of range", range_of_field.words)


def _check_ids(draft: ScenarioDraft) -> None:
    first: dict[str, str] = {}
    for section in _SECTIONS:
        for position, item in enumerate(draft.listed(section)):
            name = item.map["id"].value if "id" in item.map else None
            if not isinstance(name, str):
                continue
            path: Keys = (section, position, "id")
            key = _OWN_NAMES.get(section, "") + name
            if name in LEDGER_ROLES and section in ("tokens", "traders"):
                draft.at(path, "this id is a role of the ledger", f"any but {', '.join(LEDGER_ROLES)}")
            elif key in first:
                among = section if section in _OWN_NAMES else "markets, tokens, traders"
                draft.at(path, f"this id is taken by one of {first[key]}", f"each id once among {among}")
            first.setdefault(key, section)


def _check_clock(draft: ScenarioDraft) -> None:
    clock = draft.parts.get("clock")
    if clock is not None and clock.warmup >= clock.duration > 0:
        draft.at(
            ("clock", "warmup"), "the warm-up is not shorter than the run", f"below {format_duration(clock.duration)}"
        )
    if clock is not None and clock.start + clock.duration >= END_OF_TIME_NS:
        draft.at(("clock", "start"), "the run would end after the year 9999", "an earlier start, or a shorter run")


def _check_references(draft: ScenarioDraft) -> None:
    for section in ("underlyings", "markets"):
        node = draft.root.map.get(section)
        if node is not None and node.value == []:
            draft.at((section,), f"there are no {section}", "at least one")
    for section, keys, target in (
        *_REFERENCES,
        *_references_of("traders", TRADERS),
        *_references_of("networks", NETWORKS),
    ):
        for position, item in enumerate(draft.listed(section)):
            named_here = at(item, keys)
            if named_here is None:
                continue
            path: Keys = (section, position, *keys)
            if isinstance(named_here.value, str):
                _check_reference(draft, path, named_here.value, target, draft.problems.at)
            for name in named_here.map:
                _check_reference(draft, (*path, name), name, target, draft.problems.at_key)
            for number, member in enumerate(named_here.list):
                if isinstance(member.value, str):
                    _check_reference(draft, (*path, number), member.value, target, draft.problems.at)


def _references_of(section: str, family: Family[Any]) -> Iterator[tuple[str, Keys, str]]:
    """Keys of a section that hold ids, whichever kind has them."""
    every = {keys: target for kind in family.kinds.values() for keys, target in kind.references.items()}
    yield from ((section, keys, target) for keys, target in every.items())


def _check_reference(draft: ScenarioDraft, path: Keys, name: str, section: str, note: Callable[..., None]) -> None:
    if draft.root.origin == INCOMPLETE:
        return
    listed = [item for each in section.split(" or ") for item in draft.listed(each)]
    ids = list(dict.fromkeys(known for item in listed if (known := id_of(item)) is not None))
    if section == "markets" and path[0] in ("traders", "events"):
        with_book = [item for item in draft.listed("tokens") if "market" in item.map]
        with_book = [item for item in with_book if item.map["market"].value != "none"]
        ids += [known for item in with_book if (known := id_of(item)) is not None]
    if name not in ids:
        message = f"there is nothing called {name!r} in {section}"
        note(draft.root, path, message, ", ".join(ids), near(name, ids))


def _check_currencies(draft: ScenarioDraft) -> None:
    underlyings, markets = draft.by_id("underlyings"), draft.books()
    for path, market in draft.items("markets"):
        _check_amounts(draft, path, market, market.currency, market.underlying)
        if market.currency == market.underlying:
            draft.at((*path, "tick"), f"{market.underlying} is priced in itself", "another currency, as in 0.1 USDT")
        underlying = underlyings.get(market.underlying)
        if underlying is not None:
            _check_index_currency(draft, path, market, underlying)
    for path, group in draft.items("traders"):
        if group.market in markets:
            market = markets[group.market]
            _check_amounts(draft, path, group, market.currency, market.underlying)
    for path, token in draft.items("tokens"):
        legs = [markets[name] for name in token.basket if name in markets]
        if len({(leg.currency, leg.venue) for leg in legs}) > 1:
            draft.at(
                (*path, "basket"), "the legs are settled in several currencies or venues", "one pool of collateral"
            )
        elif legs:
            _check_amounts(draft, path, token, legs[0].currency, legs[0].underlying)
    for path, event in draft.items("events"):
        market = markets.get(getattr(event, "market", ""))
        if market is not None:
            _check_amounts(draft, path, event, market.currency, market.underlying)


def _check_index_currency(draft: ScenarioDraft, path: Keys, market: MarketSpec, underlying: UnderlyingSpec) -> None:
    currency = underlying.price_currency
    if currency not in (market.currency, QUOTE):
        message = f"the market is priced in {market.currency}, the index of {underlying.id} in {currency}"
        draft.at((*path, "tick"), message, f"a tick in {currency}")


def _check_amounts(draft: ScenarioDraft, path: Keys, value: Any, currency: str, underlying: str) -> None:
    """Every amount in a part is in its market's currency, every size in its market's underlying."""
    if currency == QUOTE:
        return
    if isinstance(value, Spec):
        for name in type(value).model_fields:
            _check_amounts(draft, (*path, name), getattr(value, name), currency, underlying)
    elif isinstance(value, tuple):
        for position, item in enumerate(value):
            _check_amounts(draft, (*path, position), item, currency, underlying)
    elif isinstance(value, Money) and value.currency != currency:
        draft.at(path, f"this is in {value.currency}, its market is in {currency}", currency)
    elif isinstance(value, Size) and value.underlying != underlying:
        draft.at(path, f"this is a size of {value.underlying}, the underlying here is {underlying}", underlying)
    elif isinstance(value, Distribution) and value.quantity in ("money", "price") and value.unit != currency:
        draft.at(path, f"this is in {value.unit}, its market is in {currency}", currency)


def _check_events(draft: ScenarioDraft) -> None:
    clock, markets, tokens = draft.parts.get("clock"), draft.by_id("markets"), draft.by_id("tokens")
    books = draft.books()
    around = Surroundings(
        grids={
            name: (market.tick.amount, market.lot.amount)
            for name, market in books.items()
            if market.tick.amount > 0 and market.lot.amount > 0
        },
        markets=markets,
        tokens=tokens,
        dealing={name for name, token in tokens.items() if token.primary is not None},
        booked=books.keys() - markets.keys(),
        without_book={name for name, market in books.items() if not market.matching.has_book},
    )
    for path, event in draft.items("events"):
        if clock is not None and event.at > clock.duration:
            draft.at((*path, "at"), "this is after the end of the run", f"at most {format_duration(clock.duration)}")
        if next(event.out_of_range(), None) is None:
            draft.faults(path, event.faults(around))


def _check_study(draft: ScenarioDraft) -> None:
    """A study is read by `sweep`; here its arms' tokens are looked up, and those of the arm of one run."""
    run = draft.parts.get("run")
    for number, token in enumerate((run and run.arm.only) or ()):
        _check_reference(draft, ("run", "arm", "only", number), token, "tokens", draft.problems.at)
    study = draft.parts.get("study")
    if study is None:
        return
    _check_ranges(draft, ("study",), study)
    for position, arm in enumerate(study.arms):
        for number, token in enumerate(arm.only or ()):
            _check_reference(draft, ("study", "arms", position, "only", number), token, "tokens", draft.problems.at)


def _check_envelope(draft: ScenarioDraft) -> None:
    """The markets of an envelope are there, and are counted in their own currency."""
    envelope, markets = draft.parts.get("envelope"), draft.by_id("markets")
    for number, tested in enumerate(envelope.markets if envelope is not None else ()):
        path: Keys = ("envelope", "markets", number)
        _check_reference(draft, (*path, "id"), tested.id, "markets", draft.problems.at)
        if tested.id in markets:
            _check_amounts(draft, path, tested, markets[tested.id].currency, markets[tested.id].underlying)


def check_study_paths(document: Mapping[str, Any], root: Node, problems: Problems) -> None:
    """Every path that a study varies leads somewhere in the resolved document, whether written down or a default."""
    places: list[Keys] = [("study", "over")]
    arms = at(root, ("study", "arms"))
    places += [("study", "arms", i, "set") for i in range(len(arms.list if arms is not None else []))]
    for keys in places:
        varied = at(root, keys)
        for path in varied.map if varied is not None else ():
            missing = _dead_end(document, path.split("."))
            if missing is not None:
                part, names = missing
                message = f"this path leads nowhere: there is no {part!r}"
                problems.at_key(root, (*keys, path), message, ", ".join(names), near(part, names))


def _dead_end(value: Any, parts: Sequence[str]) -> tuple[str, list[str]] | None:
    """The first part of a path that names nothing, and what there is instead; a part that is `none` may get any key."""
    if not parts or value in (None, "none"):
        return None
    if isinstance(value, list):
        names = {str(item.get("id", i)) if isinstance(item, dict) else str(i): item for i, item in enumerate(value)}
    else:
        names = value if isinstance(value, dict) else {}
    chosen = list(names.values()) if parts[0] == "*" else [names[parts[0]]] if parts[0] in names else []
    if not chosen:
        return parts[0], list(names)
    ends = [_dead_end(each, parts[1:]) for each in chosen]
    return None if None in ends else ends[0]
