"""What a registration asks to be tested is read before anything runs, and a mistake in it is named."""

import pytest

from marketsim.analysis.loop_hypotheses.registered_tests import CellLabel, read_tests
from marketsim.errors import UsageError

GOOD = """
# H1: R = r + I(K r)
analysis = "reset loop"
horizon = "0s"
[margins]
H1 = 0.1
H2 = 0.15
H3 = 0.05
H4 = 0.1
ways = 0.1
size = 0.1
sign = 0.1
[cells]
columns = ["way", "level", "size", "sign"]
rows = [["assets", 0.2, 0.01, "up"], ["depth", 0.2, 0.01, "down"]]
"""


def read(text: str, cells: int = 2, horizons: tuple[str, ...] = ("0s", "2min"), name: str = "e.toml"):
    return read_tests(text.encode(), name, cells, horizons)


def test_margins_horizon_and_cells_are_read() -> None:
    found = read(GOOD)
    assert found is not None
    assert found.margins["H2"] == 0.15
    assert found.cells == (CellLabel("assets", 0.2, 0.01, 1.0), CellLabel("depth", 0.2, 0.01, -1.0))


def test_another_registration_is_kept_and_asks_for_nothing() -> None:
    assert read("H1: anything", name="expected.md") is None
    assert read('title = "nothing to compute"') is None


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("analysis =", "analysis ", "this is no TOML"),
        (
            '"reset loop"',
            '"regression"',
            r"analysis: was 'regression'; allowed: 'reset loop', 'resets in turn', 'clock game', 'robustness'",
        ),
        ('"0s"', '"5min"', r"horizon: was '5min'; allowed: a horizon of study.probe, 0s, 2min"),
        ("H3 = 0.05", "", r"margins.H3: was None; allowed: H1, H2, H3, H4, ways, size, sign, each above 0, below 1"),
        ("H3 = 0.05", "H3 = 5", r"margins.H3: was 5;"),
        ("sign = 0.1", "sign = 0.1\nsigns = 0.1", r"margins.signs: was 0.1;"),
        ('"level", ', "", r"cells.columns: was"),
        (', ["depth", 0.2, 0.01, "down"]', "", r"cells.rows: was 1 rows; allowed: one for each of the study's 2 cells"),
        ('"down"', '"sideways"', r"cells.rows, cell 1: was \['depth', 0.2, 0.01, 'sideways'\]"),
        ('0.01, "down"', '1, "down"', r"cell 1: size: was 1.0; allowed: above 0, below 1"),
    ],
)
def test_a_mistake_is_named_with_its_key_and_what_is_allowed(before: str, after: str, message: str) -> None:
    assert before in GOOD
    with pytest.raises(UsageError, match=message):
        read(GOOD.replace(before, after))


def test_a_study_without_probes_cannot_be_tested() -> None:
    with pytest.raises(UsageError, match="horizon: was '0s'"):
        read(GOOD, horizons=())
    with pytest.raises(UsageError, match="has no 0s"):
        read(GOOD.replace('"0s"', '"2min"'), horizons=("2min",))
