"""Registers of kinds (policies, traders, indices, measures ..): each is checked for what it lacks when it is declared.

A kind is one class in one file of its family's home: its Spec with the ranges in the fields, what may be wrong between
them (`faults`), its sentence, its rule or process. `@FAMILY.register` above the class makes it known everywhere: to the
schema, `list`, `show --sentences`, error messages, runs and reports. What a kind lacks is said when it is registered.
Modules of the home are found by their files; kinds of other packages by the entry-point group `marketsim.kinds`.
"""

from __future__ import annotations

import difflib
import importlib
import pkgutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, cast, get_args, get_origin

from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema
from pydantic_core.core_schema import no_info_after_validator_function, no_info_before_validator_function

from marketsim.errors import EnvironmentLackError
from marketsim.ranges import Range
from marketsim.spec import Spec, not_in_this_version, refusal
from marketsim.units import Money, Size

ENTRY_POINTS = "marketsim.kinds"
"""The group in which a distribution names its kinds, `anything = "module:Class"`."""

Base = TypeVar("Base")
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class Plugin:
    """A kind that another distribution brings: its family's name, its word, the distribution and its version.

    source: the folder, or the file, of its code.
    """

    family: str
    word: str
    package: str
    version: str
    source: Path


class Family(Generic[Base]):
    """The kinds of one sort of thing, by the word that a scenario chooses them with.

    As an annotation of a Spec's field, `Annotated[PolicySpec, POLICIES]`, it stands for the union of all its kinds; of
    kinds that are no Specs, `Annotated[str, MARK_RULES]`, for one of their words.

    name: what messages and lists call it. base: what every kind is derived from. key: the field that holds the word
    (`kind`, `policy`); "" for kinds that are no Specs and carry their word as `name`. home: the package whose modules
    are its kinds. needs: methods and attributes of the base that each kind has to bring itself; abstract methods of a
    class in between count as well. is_open: whether plugins may add to it. announced: words of kinds to come, which are
    refused by name, with what can be used instead.
    """

    def __init__(
        self,
        name: str,
        base: type[Base],
        *,
        key: str,
        home: str,
        needs: tuple[str, ...] = (),
        is_open: bool = True,
        announced: Mapping[str, str] | None = None,
    ) -> None:
        self.name, self.base, self.key, self.home, self.needs, self.is_open = name, base, key, home, needs, is_open
        self.announced = announced or {}
        self._kinds: dict[str, type[Base]] = {}
        self._is_complete = False
        _FAMILIES[name] = self

    def register(self, kind: type[Kind]) -> type[Kind]:
        """Make a kind known; used as a decorator. Raises TypeError that names the class and what it lacks."""
        if not issubclass(kind, self.base):
            raise TypeError(f"{_place(kind)} is no {self.name}: it is not derived from {self.base.__name__}")
        word = self.word(kind)
        missing = list(_missing(kind, self.base, self.needs))
        if missing:
            raise TypeError(f"{_place(kind)}: the {self.name} {word!r} is incomplete: {'; '.join(missing)}")
        other = self._kinds.setdefault(word, kind)
        if other is not kind:
            raise TypeError(f"two kinds of {self.name} are called {word!r}: {_place(other)} and {_place(kind)}")
        return cast(type[Kind], kind)

    def word(self, kind: type[Any]) -> str:
        """The word a kind is chosen by."""
        if not self.key:
            if not isinstance(getattr(kind, "name", None), str):
                raise TypeError(f"{_place(kind)}: the {self.name} is incomplete: it has no `name` of its own")
            return str(kind.name)
        field = kind.model_fields.get(self.key)
        words = get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()
        if len(words) != 1:
            raise TypeError(f"{_place(kind)}: `{self.key}` is not a Literal of one word")
        return str(words[0])

    @property
    def kinds(self) -> Mapping[str, type[Base]]:
        """All kinds by word, alphabetically, those of plugins among them."""
        if not self._is_complete:
            self._is_complete = True
            try:
                import_modules(self.home)
                if self.is_open:
                    load_plugins()
            except BaseException:
                self._is_complete = False
                raise
        self._kinds = dict(sorted(self._kinds.items()))
        return self._kinds

    def plugin_of(self, kind: type[Any]) -> Plugin | None:
        """The plugin a kind comes from; None for one of the product's own."""
        return next((p for p in load_plugins() if (p.family, p.word) == (self.name, self.word(kind))), None)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """The union of all kinds, told apart by the family's key; of kinds that are no Specs, their words."""
        kinds = tuple(self.kinds.values())
        if not self.key:
            shape = handler.generate_schema(Literal[tuple(self.kinds)])
        elif len(kinds) == 1:
            shape = handler.generate_schema(kinds[0])
        else:
            shape = handler.generate_schema(Annotated[Union[kinds], Field(discriminator=self.key)])  # noqa: UP007
        return no_info_before_validator_function(self._without_announced, shape) if self.announced else shape

    def _without_announced(self, value: Any) -> Any:
        """Refuse, by name, the word of a kind that is to come."""
        word = value.get(self.key) if self.key and isinstance(value, Mapping) else value
        if isinstance(word, str) and word in self.announced and word not in self.kinds:
            message, allowed = not_in_this_version(word, self.announced[word]), ", ".join(self.kinds)
            raise refusal(message, allowed, inside=(self.key,) if self.key else ())
        return value


_FAMILIES: dict[str, Family[Any]] = {}

MODULES = {"claim": "marketsim.analysis.claims.family", "measure": "marketsim.analysis.measures.family"}
"""Where a family stands that a room below its own refers to by name."""


def families() -> Mapping[str, Family[Any]]:
    """Every family whose room has been imported, by name."""
    return dict(_FAMILIES)


def family_named(name: str) -> Family[Any]:
    """A family by its name; one of `MODULES` is imported when it is first asked for."""
    if name not in _FAMILIES:
        importlib.import_module(MODULES[name])
    return _FAMILIES[name]


@dataclass(frozen=True)
class WordOf:
    """Annotates a text that names a kind of a room above: `Annotated[str, WordOf("measure")]`.

    The family is imported when the first word is checked, and not when the Spec is declared or its validator is made.
    also: words that are accepted beside those of the kinds.
    """

    family: str
    also: tuple[str, ...] = ()

    @property
    def words(self) -> tuple[str, ...]:
        """All words accepted."""
        return (*family_named(self.family).kinds, *self.also)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Any text, which is then looked up."""
        return no_info_after_validator_function(self._known, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """The words as they are when the schema is printed."""
        return {**handler(core), "enum": list(self.words)}

    def _known(self, word: str) -> str:
        if word not in self.words:
            near = difflib.get_close_matches(word, self.words, 1)
            raise refusal(f"there is no such {self.family}", ", ".join(self.words), near[0] if near else "")
        return word


def import_modules(package: str) -> None:
    """Import every module of a package, so that what they register is there."""
    found = importlib.import_module(package)
    for module in pkgutil.iter_modules(found.__path__, f"{package}."):
        importlib.import_module(module.name)


_PLUGINS: list[Plugin] = []
_SEARCHED: list[str] = []
"""The group of entry points, once it has been looked through or is being so."""


def load_plugins() -> tuple[Plugin, ...]:
    """Register the kinds that installed distributions bring; which these are, by family and word.

    A distribution that is found twice counts once. Who asks while they are being loaded (a plugin's own imports may)
    gets those there are so far. Raises EnvironmentLackError, naming the distribution, for one that cannot be loaded,
    that brings no kind of an open family, or a word that is taken.
    """
    if not _SEARCHED:
        _SEARCHED.append(ENTRY_POINTS)
        found: dict[tuple[str, str], EntryPoint] = {}
        for point in entry_points(group=ENTRY_POINTS):
            found.setdefault((_package(point).lower().replace("_", "-"), point.value), point)
        try:
            for _, point in sorted(found.items()):
                _PLUGINS.append(_loaded(point))
        except EnvironmentLackError:
            _PLUGINS.clear()
            _SEARCHED.clear()
            raise
    return tuple(sorted(_PLUGINS, key=lambda plugin: (plugin.family, plugin.word)))


def plugins_of(spec: Spec) -> tuple[Plugin, ...]:
    """The plugins whose kinds stand somewhere in a Spec, a scenario for one."""
    brought: dict[type[Any], Plugin] = {_FAMILIES[p.family].kinds[p.word]: p for p in load_plugins()}
    used = {type(part) for part in _specs_in(spec)} if brought else set()
    return tuple(plugin for kind, plugin in brought.items() if kind in used)


def _specs_in(value: Any) -> Iterator[Spec]:
    if isinstance(value, Spec):
        yield value
        for name in type(value).model_fields:
            yield from _specs_in(getattr(value, name))
    elif isinstance(value, (tuple, list)):
        for item in value:
            yield from _specs_in(item)


def _package(point: EntryPoint) -> str:
    return point.dist.name if point.dist is not None else "?"


def _loaded(point: EntryPoint) -> Plugin:
    package, release = _package(point), point.dist.version if point.dist is not None else "?"
    advice = f"update or uninstall the package {package}"
    try:
        kind = point.load()
        open_families = [family for family in _FAMILIES.values() if family.is_open and isinstance(kind, type)]
        family = next(family for family in open_families if issubclass(kind, family.base))
        import_modules(family.home)  # the product's own kinds have their words first
        word = family.word(kind)
        for other in _PLUGINS:
            if (other.family, other.word) == (family.name, word):
                raise TypeError(f"the {family.name} {word!r} is brought by {other.package} {other.version} already")
        family.register(kind)
    except StopIteration:
        names = ", ".join(sorted(family.name for family in _FAMILIES.values() if family.is_open))
        why = f"{point.value} is of none of the families that can be added to: {names}"
        raise EnvironmentLackError(f"plugin {package} {release}: {why}; {advice}") from None
    except Exception as error:
        raise EnvironmentLackError(f"plugin {package} {release}: {point.value}: {error}; {advice}") from error
    return Plugin(family.name, word, package, release, _source(kind))


def _source(kind: type[Any]) -> Path:
    """The folder, or the file, of the package that a class stands in."""
    file = Path(sys.modules[kind.__module__.partition(".")[0]].__file__ or "")
    return file.parent if file.name == "__init__.py" else file


def _place(kind: type[Any]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}"


def _missing(kind: type[Any], base: type[Any], needs: tuple[str, ...]) -> Iterator[str]:
    """What a kind has not: a docstring, a part of its own where the base has none, the range of a number."""
    is_told = sys.flags.optimize < 2  # `python -OO` takes all docstrings away
    if is_told and (not (kind.__doc__ or "").strip() or kind.__doc__ == base.__doc__):
        yield "it has no docstring"
    for name in needs:
        if getattr(kind, name, None) is getattr(base, name, None):
            yield f"it has no `{name}` of its own"
    yield from (f"it has no `{name}` of its own" for name in sorted(getattr(kind, "__abstractmethods__", ())))
    if issubclass(kind, Spec):
        yield from (f"`{path}` has no range (marketsim.ranges)" for path in _without_range(kind))


def _without_range(spec: type[Spec]) -> Iterator[str]:
    """Numbers of a Spec, and of the Specs inside it, whose field states no range."""
    for name, field in spec.model_fields.items():
        if any(isinstance(part, Range) for part in field.metadata):
            continue
        inside = list(_types(field.annotation))
        if any(_holds_numbers(part) for part in [*inside, *field.metadata]):
            yield name
        for part in inside:
            if isinstance(part, type) and issubclass(part, Spec) and part is not spec:
                yield from (f"{name}.{path}" for path in _without_range(part))


def _types(annotation: Any) -> Iterator[Any]:
    """The types an annotation is made of, within unions, tuples and `Annotated`."""
    origin = get_origin(annotation)
    if origin in (Annotated, Union, UnionType, tuple):
        for part in get_args(annotation):
            yield from _types(part)
    else:
        yield annotation


def _holds_numbers(part: Any) -> bool:
    return part in (int, Decimal, Fraction, Money, Size)
