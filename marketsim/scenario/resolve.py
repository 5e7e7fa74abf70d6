"""From a file to the document that runs: bases, `like` and presets, overrides, in this order, with all origins.

1. `extends`: the chain of bases is merged, the outermost first (`merging` has the rules).
2. `preset: NAME` becomes its keys, with the keys beside it laid over them; then `like: ID` copies a sibling of the
   same list, resolved so far, and the thing's own keys are laid over the copy.
3. Keys that are null and members marked `delete` are taken out.
4. `--set` and `seed` are laid over the result.
5. Names of tier tables become their rows; every part is checked by its Spec, what is absent gets its default, what
   depends on another part is filled in (`defaults`), and the world is checked for what cannot be (`world`).
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from marketsim.errors import Problem, ScenarioError
from marketsim.scenario import defaults, shipped
from marketsim.scenario.beyond_envelope import beyond_envelope
from marketsim.scenario.document import ScenarioSpec
from marketsim.scenario.fits import check_fits
from marketsim.scenario.index_markets import check_index_markets
from marketsim.scenario.loader import read_file_with_bases, read_text, root_folder, with_bases
from marketsim.scenario.merging import merge, without_markers
from marketsim.scenario.nodes import INCOMPLETE, Node, Place, Problems, id_of, near
from marketsim.scenario.overrides import override
from marketsim.scenario.presets import presets_for
from marketsim.scenario.validation import parts_of
from marketsim.scenario.values import GIVEN, node_of
from marketsim.scenario.world import (
    ScenarioDraft,
    check_parts,
    check_registration,
    check_study_paths,
    check_tapes,
    prepared_indices,
)
from marketsim.venues.margin import TIER_TABLES

Overrides = Mapping[str, Any] | Sequence[str]
S = TypeVar("S", bound=ScenarioSpec)
NO_PLACE = Place("", 0, 0)
"""Of a value that stands in no file."""
_WITH_LIKE = ("underlyings", "markets", "tokens", "traders", "networks")
_WITH_PRESETS = ("markets", "tokens")


def load(into: type[S], path: str | Path, set: Overrides = (), seed: int | None = None) -> S:
    """Read, resolve and check a scenario file, or a shipped scenario, `marketsim:NAME` or `marketsim:NAME@VERSION`.

    Paths in overrides of a shipped scenario are relative to the folder one works in. Raises ScenarioError with every
    problem, sorted by line, and UnknownScenarioError for a name that is not in the catalogue.
    """
    problems = Problems()
    file, place = Path(path), Path(path)
    if shipped.is_reference(path):
        named = shipped.find(path)
        file, place = named.file, Path.cwd() / f"{named.name}.yaml"
    with _without_collection():
        return _finished(into, read_file_with_bases(file, problems), place, set, seed, problems)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Leave the cyclic garbage collector off: a long document makes many objects and no circles (40 % of the time)."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def load_text(
    into: type[S],
    text: str,
    set: Overrides = (),
    seed: int | None = None,
    folder: str | Path = ".",
    name: str = "text",
) -> S:
    """Resolve and check a scenario given as text; it extends nothing, and its files are below `folder`."""
    problems = Problems()
    file = Path(folder) / f"{name}.yaml"
    return _finished(into, [read_text(text, str(file), problems)], file, set, seed, problems)


def load_map(into: type[S], given: Mapping[str, Any], folder: str | Path = ".") -> S:
    """Resolve and check a scenario given as a map; what it extends and its files are looked for from `folder`.

    Problems have the path of the value and no line.
    """
    problems = Problems()
    file = Path(folder) / "scenario.yaml"
    with _without_collection():
        chain = with_bases(node_of(given, NO_PLACE, GIVEN), file, problems)
        return _finished(into, chain, file, (), None, problems)


def validate(path: str | Path) -> list[Problem]:
    """Every problem of a scenario file, sorted by line; none when it is valid."""
    try:
        load(ScenarioSpec, path)
    except ScenarioError as error:
        return error.problems
    return []


def varied(scenario: S, *layers: Overrides, seed: int | None = None, is_of_study: bool = False) -> S:
    """A loaded scenario with overrides laid over it, one layer after the other: first a cell's, then an arm's.

    They act where `--set` does: on the document before defaults. is_of_study: it is one world of the scenario's study,
    in which the paths of other arms and cells may lead nowhere. Raises ScenarioError with every problem.
    """
    if not (any(layers) or seed is not None):
        return scenario
    problems = Problems()
    root = scenario.document or node_of(scenario.canonical(), NO_PLACE, GIVEN)
    with _without_collection():
        for layer in layers:
            root = override(root, layer, problems)
        if seed is not None:
            root = override(root, {"seed": seed}, problems)
        rows = _with_tier_rows(root, problems)
        world = _checked_world(type(scenario), rows, scenario.root / "varied.yaml", problems, is_of_study=is_of_study)
        return _moved(world)


def _moved(scenario: S) -> S:
    """A stored run's scenario with values laid over it: no longer that of its study's cell."""
    if scenario.run is None:
        return scenario
    elsewhere: dict[str, Any] = {"cell": None, "over": {}, "cell_sha256": None, "source_sha256": None}
    return scenario.model_copy(update={"run": scenario.run.model_copy(update=elsewhere)})


def document(chain: Sequence[Node], problems: Problems, set: Overrides = (), seed: int | None = None) -> Node:
    """The resolved document of a chain of files, before defaults."""
    root = chain[0]
    for over in chain[1:]:
        root = merge(root, over, problems)
    entries = dict(root.map)
    for section in _WITH_LIKE:
        if section in entries and isinstance(entries[section].value, list):
            entries[section] = _with_siblings_and_presets(entries[section], section, problems)
    root = without_markers(root.with_entries(entries, root.keys), problems)
    root = override(root, set, problems)
    if seed is not None:
        root = override(root, {"seed": seed}, problems)
    return _with_tier_rows(root, problems)


def _finished(into: type[S], chain: list[Node], file: Path, set: Overrides, seed: int | None, problems: Problems) -> S:
    scenario = _checked_world(into, document(chain, problems, set, seed), file, problems)
    return _moved(scenario) if set or seed is not None else scenario


def _checked_world(into: type[S], root: Node, file: Path, problems: Problems, *, is_of_study: bool = False) -> S:
    """The document as a scenario, with defaults, when nothing is wrong with it."""
    if "name" not in root.map:
        name = Node(file.stem, root.place, file.stem, "the file's name")
        root = root.with_entries({**root.map, "name": name}, root.keys)
    parts = parts_of(root, problems)
    draft = ScenarioDraft(parts, root, problems)
    indices = prepared_indices(draft, file)
    check_tapes(draft, file)
    check_registration(draft, file)
    defaults.fill(parts, {name: index.opening for name, index in indices.items()})
    check_parts(draft)
    check_index_markets(draft)
    check_fits(draft, indices)
    if problems.found:
        raise ScenarioError(problems.found)
    scenario = into.model_validate(parts)
    if not is_of_study:
        check_study_paths(scenario.complete(), root, problems)
    if problems.found:
        raise ScenarioError(problems.found)
    openings = {name: index.opening for name, index in indices.items()}
    beyond = beyond_envelope(scenario, openings)
    scenario.remember(root_folder(file), root, tuple(draft.notices), beyond)
    return scenario


def _with_siblings_and_presets(node: Node, section: str, problems: Problems) -> Node:
    items = [_over_preset(item, section, problems) for item in node.list] if section in _WITH_PRESETS else node.list
    members = {id_of(item): item for item in items if id_of(item)}
    return replace(node, value=[_copied(item, members, (), section, problems) for item in items])


def _copied(
    item: Node, members: Mapping[str | None, Node], seen: tuple[str, ...], section: str, problems: Problems
) -> Node:
    like = item.map.get("like")
    if like is None:
        return item
    own = item.with_entries({key: value for key, value in item.map.items() if key != "like"}, item.keys)
    if like.value is None:
        return own
    place = f"{section}.{id_of(item)}.like"
    others = [name for name in members if name and name != id_of(item)]
    if not isinstance(like.value, str) or like.value not in members:
        message = f"there is nothing of this id in {section}"
        problems.add(like.place, place, like.shown(), message, ", ".join(others), near(like.text, others))
        return replace(own, origin=INCOMPLETE)
    if like.value in (*seen, id_of(item)):
        problems.add(
            like.place, place, like.text, "these copy each other in a circle", "a sibling that stands by itself"
        )
        return own
    sibling = _copied(members[like.value], members, (*seen, id_of(item) or ""), section, problems)
    return merge(sibling, own, problems, (section, id_of(item) or ""))


def _over_preset(item: Node, section: str, problems: Problems) -> Node:
    wish = item.map.get("preset")
    if wish is None:
        return item
    own = item.with_entries({key: value for key, value in item.map.items() if key != "preset"}, item.keys)
    if wish.value is None:
        return own
    found = _preset_keys(wish, section, f"{section}.{id_of(item)}.preset", problems)
    return (
        replace(own, origin=INCOMPLETE) if found is None else merge(found, own, problems, (section, id_of(item) or ""))
    )


def _preset_keys(wish: Node, section: str, path: str, problems: Problems) -> Node | None:
    known = presets_for(section)
    if isinstance(wish.value, str) and wish.value in known:
        return known[wish.value].keys
    message = f"there is no such preset for {section}"
    problems.add(wish.place, path, wish.shown(), message, ", ".join(known), near(wish.text, known))
    return None


def _with_tier_rows(root: Node, problems: Problems) -> Node:
    """The document with every name of a tier table replaced by the table's rows."""
    for section, holder in (("markets", "margin"), ("tokens", "account")):
        node = root.map.get(section)
        if node is None or not isinstance(node.value, list):
            continue
        items = [_item_with_rows(item, section, holder, problems) for item in node.list]
        root = root.with_entries({**root.map, section: replace(node, value=items)}, root.keys)
    return root


def _item_with_rows(item: Node, section: str, holder: str, problems: Problems) -> Node:
    around = item.map.get(holder)
    tiers = around.map.get("tiers") if around is not None else None
    if around is None or tiers is None or not isinstance(tiers.value, str) or tiers.value == "none":
        return item
    known = TIER_TABLES
    if tiers.value in known:
        rows = _tier_rows(tiers)
    else:
        path, allowed = f"{section}.{id_of(item)}.{holder}.tiers", f"none, {', '.join(known)}, or a list of rows"
        problems.add(tiers.place, path, tiers.text, "there is no such tier table", allowed, near(tiers.text, known))
        rows = replace(tiers, value="none")
    inside = around.with_entries({**around.map, "tiers": rows}, around.keys)
    return item.with_entries({**item.map, holder: inside}, item.keys)


def _tier_rows(tiers: Node) -> Node:
    """The rows of a table as nodes that stand where its name stood."""
    origin = tiers.origin or f"{tiers.place.file}:{tiers.place.line}"

    def node(value: Any) -> Node:
        if isinstance(value, dict):
            value = {key: node(entry) for key, entry in value.items()}
        return Node(value, tiers.place, tiers.text, f"{origin}, table {tiers.value}")

    rows = [node(row.model_dump(mode="json")) for row in TIER_TABLES[str(tiers.value)]]
    return Node(rows, tiers.place, tiers.text, f"{origin}, table {tiers.value}")
