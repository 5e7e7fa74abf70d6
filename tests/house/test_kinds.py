"""Families of kinds: what is registered is known by its word, and what a kind lacks is said when it is registered."""

from __future__ import annotations

import sys
from abc import abstractmethod
from importlib.metadata import version
from types import ModuleType
from typing import Annotated, Literal

import pytest
from pydantic import ValidationError

from marketsim.kinds import Family
from marketsim.ranges import CADENCE, SHARE
from marketsim.spec import Duration, Rate, Spec


class ShapeSpec(Spec):
    """The base of a family."""

    def sentence(self) -> str:
        """What it does."""
        raise NotImplementedError


@pytest.fixture
def shapes(monkeypatch: pytest.MonkeyPatch) -> Family[ShapeSpec]:
    home = ModuleType("home_of_shapes")
    home.__path__ = []
    monkeypatch.setitem(sys.modules, "home_of_shapes", home)
    monkeypatch.setattr("marketsim.kinds._FAMILIES", {})
    return Family("shape", ShapeSpec, key="shape", home="home_of_shapes", needs=("sentence",))


def test_a_field_of_a_family_takes_every_kind_registered(shapes: Family[ShapeSpec]) -> None:
    @shapes.register
    class RoundSpec(ShapeSpec):
        """Round."""

        shape: Literal["round"]
        every: Annotated[Duration, CADENCE]

        def sentence(self) -> str:
            return "It is round."

    class Drawing(Spec):
        """Holds one."""

        drawn: Annotated[ShapeSpec, shapes]

    drawing = Drawing.model_validate({"drawn": {"shape": "round", "every": "0s"}})

    assert drawing.drawn.sentence() == "It is round."
    assert list(shapes.kinds) == ["round"]
    assert list(drawing.out_of_range()) == [(("drawn", "every"), CADENCE)]


def test_what_a_kind_lacks_is_named_when_it_is_registered(shapes: Family[ShapeSpec]) -> None:
    class BareSpec(ShapeSpec):
        shape: Literal["bare"]
        every: Duration
        pair: tuple[Rate, Rate] | None = None

    with pytest.raises(TypeError) as refused:
        shapes.register(BareSpec)

    for part in (
        "'bare' is incomplete",
        "no docstring",
        "no `sentence`",
        "`every` has no range",
        "`pair` has no range",
    ):
        assert part in str(refused.value)
    assert not shapes.kinds


def test_two_kinds_of_one_word_are_refused_by_name(shapes: Family[ShapeSpec]) -> None:
    def made(name: str) -> type[ShapeSpec]:
        fields = {"__annotations__": {"shape": Literal["twin"], "part": Annotated[Rate, SHARE]}, "__doc__": "A twin."}
        return type(name, (ShapeSpec,), {**fields, "__module__": __name__, "sentence": lambda self: "A twin."})

    first, second = made("FirstSpec"), made("SecondSpec")
    assert shapes.register(first) is shapes.register(first)

    with pytest.raises(TypeError, match=r"two kinds of shape are called 'twin': .*FirstSpec and .*SecondSpec"):
        shapes.register(second)


def test_a_stranger_to_the_family_is_refused(shapes: Family[ShapeSpec]) -> None:
    class OtherSpec(Spec):
        """Another thing."""

    with pytest.raises(TypeError, match=r"OtherSpec is no shape: it is not derived from ShapeSpec"):
        shapes.register(OtherSpec)


def _registered(shapes: Family[ShapeSpec], word: str) -> None:
    fields = {"__annotations__": {"shape": Literal[word]}, "__doc__": "One.", "__module__": __name__}
    shapes.register(type("OneSpec", (ShapeSpec,), {**fields, "sentence": lambda self: "One."}))


def test_a_word_to_come_is_refused_by_name_with_what_can_be_used_instead(shapes: Family[ShapeSpec]) -> None:
    shapes.announced = {"oval": "round"}
    _registered(shapes, "round")
    _registered(shapes, "square")

    class Drawing(Spec):
        """Holds one."""

        drawn: Annotated[ShapeSpec, shapes]

    with pytest.raises(ValidationError) as refused:
        Drawing.model_validate({"drawn": {"shape": "oval"}})

    (error,) = refused.value.errors()
    assert error["msg"] == f"'oval' is not in version {version('marketsim-lab')}; use round instead"
    assert error["ctx"]["allowed"] == "round, square"
    assert error["ctx"]["inside"] == ("shape",)


def test_kinds_that_are_no_specs_are_chosen_by_their_word(monkeypatch: pytest.MonkeyPatch) -> None:
    home = ModuleType("home_of_rules")
    home.__path__ = []
    monkeypatch.setitem(sys.modules, "home_of_rules", home)
    monkeypatch.setattr("marketsim.kinds._FAMILIES", {})

    class Rule:
        """The base."""

        name = ""

    rules = Family("rule", Rule, key="", home="home_of_rules", is_open=False, announced={"later": "first"})

    @rules.register
    class First(Rule):
        """The first."""

        name = "first"

    class Holder(Spec):
        """Holds the word of one."""

        rule: Annotated[str, rules] = "first"

    assert rules.kinds[Holder.model_validate({"rule": "first"}).rule] is First
    assert Holder.model_json_schema()["properties"]["rule"]["const"] == "first"
    for word, kind in (("other", "literal_error"), ("later", "marketsim")):
        with pytest.raises(ValidationError) as refused:
            Holder.model_validate({"rule": word})
        assert refused.value.errors()[0]["type"] == kind


def test_an_abstract_method_left_out_is_named_too(shapes: Family[ShapeSpec]) -> None:
    class DrawnSpec(ShapeSpec):
        """What has to be drawn."""

        def sentence(self) -> str:
            return "It is drawn."

        @abstractmethod
        def draw(self) -> str:
            """Its picture."""

    class EmptySpec(DrawnSpec):
        """Nothing to see."""

        shape: Literal["empty"]

    with pytest.raises(TypeError, match="'empty' is incomplete: it has no `draw` of its own"):
        shapes.register(EmptySpec)  # type: ignore[type-abstract]
