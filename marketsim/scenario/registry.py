"""What there is, and where each thing comes from: scenarios, kinds, policies, presets, plugins."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, get_args

from marketsim.errors import ScenarioError, UsageError
from marketsim.events.family import EVENTS
from marketsim.files import shipped_folder
from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.issuers.policies.family import POLICIES
from marketsim.kinds import Family, load_plugins
from marketsim.networks.influence import NETWORKS
from marketsim.scenario.loader import read
from marketsim.scenario.nodes import Problems, plain
from marketsim.scenario.presets import all_presets
from marketsim.scenario.shipped import catalogue
from marketsim.scenario.values import value_in_json
from marketsim.spec import Spec
from marketsim.traders.group import TRADERS, TraderGroupSpec
from marketsim.venues.deleveraging.family import DELEVERAGING_RULES
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.index.family import INDICES
from marketsim.venues.margin import TIER_TABLES
from marketsim.venues.marks.family import MARK_RULES
from marketsim.venues.matching.family import MATCHINGS

Row = tuple[str, ...]
"""Name, where it comes from, what it is about; of a plugin's kind: family, name, package, version."""

PLUGIN_COLUMNS = ("family", "name", "package", "version")


def listing(what: str) -> list[Row]:
    """The rows of one list; raises UsageError for a list there is not."""
    lists: dict[str, Callable[[], list[Row]]] = {
        "scenarios": _scenarios,
        "kinds": lambda: (
            _family("index", INDICES)
            + _family("trader", TRADERS)
            + _family("network", NETWORKS)
            + _family("event", EVENTS)
            + _family("matching", MATCHINGS)
            + _rules(MARK_RULES, LIQUIDATION_ENGINES, DELEVERAGING_RULES)
        ),
        "policies": lambda: _family("rebalance", POLICIES) + _family("execution", EXECUTIONS),
        "presets": _presets,
        "plugins": _plugins,
    }
    if what not in lists:
        raise UsageError(f"there is no list of {what!r}; there are {', '.join(lists)}")
    return lists[what]()


def _scenarios() -> list[Row]:
    """Every version of the shipped scenarios, the newest first, and the files below `scenarios/` where one works."""
    own = Path("scenarios")
    files = [] if own.resolve() == shipped_folder() else [f for f in own.rglob("*.yaml") if "cases" not in f.parts]
    versions = (known[n] for known in catalogue().values() for n in sorted(known, reverse=True))
    rows = [(each.reference, *_origin_and_title(each.file)[1:]) for each in versions]
    return rows + [_origin_and_title(file) for file in sorted(files)]


def _origin_and_title(file: Path) -> Row:
    """Name, place and title of a scenario file, unchecked."""
    place = file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
    try:
        head = read(file, Problems()).map
    except ScenarioError:
        return file.stem, str(place), "cannot be read; `marketsim validate` says why"
    name, title = (str(plain(head[key])) if key in head else "" for key in ("name", "title"))
    return name or file.stem, str(place), title


def _family(what: str, family: Family[Any]) -> list[Row]:
    """The kinds of a family, a plugin's with its distribution for an origin."""
    rows: list[Row] = []
    for kind in family.kinds.values():
        (name, origin, about), plugin = _kind(what, kind), family.plugin_of(kind)
        rows.append((name, origin if plugin is None else f"{plugin.package} {plugin.version}", about))
    return rows


def _rules(*families: Family[Any]) -> list[Row]:
    """Kinds that have no keys of their own."""
    return [
        (f"{family.name} {word}", kind.__module__, (kind.__doc__ or "").strip().split("\n")[0])
        for family in families
        for word, kind in family.kinds.items()
    ]


def _kind(what: str, spec: type[Spec]) -> Row:
    """A kind with its own keys and their defaults."""
    which = next(key for key in ("kind", "policy", "algorithm") if key in spec.model_fields)
    word = get_args(spec.model_fields[which].annotation)[0]
    shared = set(TraderGroupSpec.model_fields) - {"rate"} if issubclass(spec, TraderGroupSpec) else set[str]()
    keys = [_key(spec, name) for name in spec.model_fields if name != which and name not in shared]
    about = (spec.__doc__ or "").strip().split("\n")[0]
    other = spec.on_spot if issubclass(spec, TraderGroupSpec) else {}
    if other:
        there = ", ".join(f"{name}: {value_as_written(spec, name, value)}" for name, value in other.items())
        about += f" On a spot market {there}."
    return f"{what} {word}", spec.__module__, about + (f" [{', '.join(keys)}]" if keys else "")


def _key(spec: type[Spec], name: str) -> str:
    field = spec.model_fields[name]
    if field.is_required():
        return field.alias or name
    return f"{name}: {default_as_written(spec, name)}"


def default_as_written(spec: type[Spec], name: str) -> str:
    """The default of a field as a scenario file has it; `none` for a part that is absent."""
    default = spec.model_fields[name].get_default(call_default_factory=True)
    return "none" if default is None else value_as_written(spec, name, default)


def value_as_written(spec: type[Spec], name: str, value: Any) -> str:
    """A value of a field as a scenario file has it."""
    return _short(value_in_json(spec, name, value))


def _short(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_short(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_short, value)) + "]"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _plugins() -> list[Row]:
    return [(plugin.family, plugin.word, plugin.package, plugin.version) for plugin in load_plugins()]


def _presets() -> list[Row]:
    rows = [
        (preset.name, f"{preset.section}, {preset.date}", f"{preset.about} (source: {preset.source})")
        for preset in all_presets().values()
    ]
    return rows + list(_tables(TIER_TABLES))


def _tables(names: Iterable[str]) -> Iterable[Row]:
    for name in names:
        yield name, "margin tiers, marketsim.venues.margin", "a table of margin tiers, for `margin.tiers`"
