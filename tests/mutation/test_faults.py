"""The operators of `make mutate` make the fault that they are for, and no fault where there is no logic."""

from pathlib import Path

import pytest
from cosmic_ray.mutating import mutate_code

from tests.mutation.faults import OWN, Rewriting
from tests.mutation.places import mutants_of, mutated


@pytest.mark.parametrize("operator", OWN, ids=lambda operator: operator.__name__)
def test_an_operator_makes_the_fault_of_its_example(operator: type[Rewriting]) -> None:
    before, after = operator.example
    assert mutate_code(before, operator(), 0) == after


def faults(tmp_path: Path, source: str) -> set[str]:
    file = tmp_path / "some.py"
    file.write_text(source, encoding="utf-8")
    return {mutated(source, mutant) for mutant in mutants_of(file, "some.py")}


def test_every_term_is_left_out_with_its_sign(tmp_path: Path) -> None:
    found = faults(tmp_path, "x = a - b * c")
    assert found == {"x = a + b * c", "x = a - b / c", "x = (- b * c)", "x = (a)", "x = a - (c)", "x = a - (b)"}


def test_a_named_argument_is_left_out_but_not_from_a_record(tmp_path: Path) -> None:
    assert faults(tmp_path, "x = interval(rows, level=level)\ny = Row(size=size)") == {
        "x = interval(rows,)\ny = Row(size=size)"
    }


@pytest.mark.parametrize(
    "source",
    [
        '"""Says 2 + 2."""',
        "def f(a: int | None) -> int | None: ...",
        "x: int | None",
        "raise ValueError(f'{a + 1} of {2}')",
        "def sentence(self): return 1 + 2",
        "__all__ = ['a', 'b']",
        "@dataclass(slots=True)\nclass A: ...",
        "from a import sum, mean",
        "def f(a, *, b): ...",
        "x = folder / 'y'",
        "x = last_of(y)\nz = first",
        "zip(a, b, strict=True)",
        "if TYPE_CHECKING: import a",
        "x = {**a}",
    ],
)
def test_what_is_no_logic_has_no_fault(tmp_path: Path, source: str) -> None:
    assert faults(tmp_path, source) == set()
