"""Canonical text of a Spec: which keys it has, and that newer ones do not change older documents."""

from __future__ import annotations

from typing import Annotated, Literal

from marketsim.spec import EVERY_KEY, NONE_IN_WORDS, OMITTED_AT_DEFAULT, WORDS_FOR_NONE, Duration, Spec


class InnerSpec(Spec):
    """A part, with a key newer than the rest."""

    every: Duration = 60
    crossing: Annotated[Literal["beyond", "at"], OMITTED_AT_DEFAULT] = "beyond"


class OuterSpec(Spec):
    """Holds parts."""

    inner: Annotated[InnerSpec | None, NONE_IN_WORDS, WORDS_FOR_NONE] = None
    parts: tuple[InnerSpec, ...] = ()


def test_a_key_newer_than_stored_documents_is_written_only_where_it_is_not_at_its_default() -> None:
    spec = OuterSpec.model_validate({"inner": {"crossing": "at"}, "parts": [{}, {"crossing": "at"}]})

    assert spec.model_dump(mode="json") == {
        "inner": {"every": "60ns", "crossing": "at"},
        "parts": [{"every": "60ns"}, {"every": "60ns", "crossing": "at"}],
    }
    assert OuterSpec.model_validate(spec.model_dump(mode="json")) == spec
    assert OuterSpec().model_dump(mode="json") == {"inner": "none", "parts": []}


def test_every_key_is_written_where_that_is_asked_for() -> None:
    spec = OuterSpec(inner=InnerSpec())

    assert spec.model_dump(mode="json", context={EVERY_KEY: True})["inner"] == {"every": "60ns", "crossing": "beyond"}
