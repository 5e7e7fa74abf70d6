"""Facts over seeds: means and intervals of Student by hand, and what was not measurable on some seeds."""

from collections.abc import Sequence

import polars as pl
import pytest

from marketsim.analysis.stylised_facts import FactsTable
from marketsim.analysis.stylised_facts.fact import Fact, Verdict
from marketsim.calibration.plans import PLANS
from tests.verification.facts_over_seeds import over_seeds

PLAN = PLANS["btc-perp"]


def table(*rows: tuple[str, float | None, tuple[float | None, float | None], Verdict]) -> FactsTable:
    facts = tuple(
        Fact(name, "g", f"the {name}", "bps", value, None, None, "", *ends, "range", "source", verdict, "")
        for name, value, ends, verdict in rows
    )
    return FactsTable("world", "M", "btc", "as asked", 3.0, facts)


def one_row(
    values: Sequence[float | None], ends: tuple[float | None, float | None], verdict: Verdict
) -> dict[str, object]:
    tables = [table(("spread", v, ends, "not measurable" if v is None else verdict)) for v in values]
    return over_seeds(tables, PLAN).row(0, named=True)


def test_a_mean_with_students_interval_and_the_seeds_inside() -> None:
    """1 .. 6: mean 3.5, s^2 = 3.5, s / sqrt 6 = .76376; t of 5 degrees at .975 is 2.5706, so +- 1.9633."""
    row = one_row([1, 2, 3, 4, 5, 6], (2, 5), "inside")
    assert (row["mean"], row["least"], row["most"]) == (3.5, 1, 6)
    assert (row["lo"], row["hi"]) == (pytest.approx(1.5367, abs=1e-4), pytest.approx(5.4633, abs=1e-4))
    assert (row["seeds"], row["seeds_inside"], row["verdict"], row["fitted"]) == (6, 4, "inside", True)


def test_the_mean_is_judged_and_not_the_first_seed() -> None:
    row = one_row([3, 9, 9], (2, 5), "inside")
    assert (row["mean"], row["verdict"], row["seeds_inside"]) == (7, "outside", 1)
    assert row["lo"] is None, "three seeds have no interval"


def test_seeds_without_the_fact_are_left_out_and_counted() -> None:
    row = one_row([None, 4, 6], (None, 4.5), "outside")
    assert (row["mean"], row["seeds"], row["seeds_inside"], row["verdict"]) == (5, 2, 1, "outside")
    none = one_row([None, None], (0, 1), "inside")
    assert (none["mean"], none["seeds"], none["verdict"]) == (None, 0, "not measurable")


def test_what_the_index_makes_has_no_verdict_of_its_own() -> None:
    assert one_row([None, 40.0], (0, 1), "of the index")["verdict"] == "of the index"
    assert one_row([40.0], (None, None), "no reference")["verdict"] == "no reference"


def test_facts_that_the_loss_does_not_have_are_held_out() -> None:
    found = over_seeds([table(("spread", 1.0, (0, 2), "inside"), ("tail_index", 3.0, (2, 4), "inside"))], PLAN)
    assert found.select("id", "fitted").rows() == [("spread", True), ("tail_index", False)]
    assert found.schema["mean"] == pl.Float64
