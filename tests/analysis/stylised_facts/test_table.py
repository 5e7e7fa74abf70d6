from __future__ import annotations

import numpy as np
import pytest

from marketsim.analysis.stylised_facts.blocks import blocks_for, interval_of_items, interval_of_sums
from marketsim.analysis.stylised_facts.fact import Estimate, NotMeasurableError, Range, Reference, judged
from marketsim.analysis.stylised_facts.references import REFERENCES
from marketsim.analysis.stylised_facts.table import MEASURES, facts_of
from marketsim.analysis.stylised_facts.tape import Dated, Tape
from tests.analysis.stylised_facts.tapes import DAY, HOUR, MIN, S, depth, fills, quotes, tape

KURTOSIS = Reference("returns", "kurtosis", "", Range(4, None), None, "somebody", is_of_the_index=True, cont=2)


def test_every_fact_has_a_reference_row_and_every_row_a_measure() -> None:
    assert REFERENCES.keys() == MEASURES.keys()


def test_all_eleven_facts_of_cont_are_rows() -> None:
    assert {of.cont for of in REFERENCES.values()} == set(range(12))  # 0 for the others


@pytest.mark.parametrize(
    ("value", "lo", "hi", "is_the_index", "verdict", "note"),
    [
        (5.0, 3.0, 6.0, False, "inside", ""),
        (4.0, None, None, False, "inside", ""),
        (3.0, 2.5, 3.5, False, "outside", ""),
        (3.0, 2.5, 4.5, False, "outside", "its interval reaches the range"),
        (3.0, 2.5, 3.5, True, "of the index", ""),
    ],
)
def test_verdicts(value: float, lo: float, hi: float, is_the_index: bool, verdict: str, note: str) -> None:
    row = judged("k", KURTOSIS, "btc", Estimate(value, lo, hi), is_the_index=is_the_index)
    assert (row.verdict, row.note, row.fact, row.reference) == (verdict, note, "kurtosis (Cont 2)", "> 4")


def test_a_row_without_a_value_says_why_and_one_without_a_range_has_no_verdict() -> None:
    row = judged("k", KURTOSIS, "btc", NotMeasurableError("no trades"), is_the_index=False)
    assert (row.verdict, row.note, row.value) == ("not measurable", "no trades", None)
    assert judged("k", KURTOSIS, "alt", Estimate(3.0), is_the_index=False).verdict == "no reference"


def test_blocks_are_twenty_or_days_and_at_least_twice_as_long_as_a_lag() -> None:
    day = blocks_for(0, DAY, MIN)
    assert day is not None
    assert day.words == "20 blocks of 1.2 h"
    month = blocks_for(0, 30 * DAY, MIN)
    assert month is not None
    assert month.words == "30 blocks of 1 d"
    hours = blocks_for(0, DAY, HOUR)
    assert hours is not None
    assert hours.words == "12 blocks of 2 h"
    assert blocks_for(0, DAY, 2 * HOUR) is None  # six would be too few
    assert day.of(np.array([0, DAY // 20 - 1, DAY // 20, DAY])).tolist() == [0, 0, 1, 19]


def test_interval_of_a_mean_is_that_of_student() -> None:
    values = np.random.default_rng(1).normal(10, 1, 20)
    lo, hi = interval_of_sums(np.stack([values, np.ones(20)], axis=1), lambda s: s[..., 0] / s[..., 1]) or (0, 0)
    half = 2.093 * values.std(ddof=1) / 20**0.5  # t of 19 degrees
    assert (hi - lo) / 2 == pytest.approx(half, rel=0.1)
    assert interval_of_items(np.arange(20), lambda i: float(values[i].mean())) == pytest.approx((lo, hi), abs=half / 5)


def degenerate() -> list[Tape]:
    nothing = Dated(np.zeros(0, np.int64), np.zeros(0))
    minutes = np.arange(0, HOUR, MIN)
    return [
        tape(HOUR),
        tape(0),
        tape(30 * S, fills=fills([S])),
        tape(DAY, fills=fills([])),
        tape(DAY, fills=fills([HOUR])),
        tape(DAY, fills=fills(np.full(500, HOUR)), quotes=quotes(minutes, 100.0)),
        tape(DAY, fills=fills(np.arange(2_000) * 40 * S), quotes=quotes(minutes, np.nan),
             depth=depth(minutes, 0, 0, S // 10, 2.0)),
        tape(HOUR, fills=fills(np.arange(3_000) * S), quotes=quotes([0], 100.0), depth=depth(minutes, 0, 0, MIN)),
        tape(DAY, fills=fills(minutes), quotes=quotes(np.arange(0, DAY, S), 100.0), depth=depth(minutes[:1], 5, 0, MIN),
             interest=nothing, funding=nothing, liquidations=nothing, predicted=nothing),
        tape(40 * DAY, fills=fills(np.arange(0, 40 * DAY, HOUR)), interest=Dated(minutes, np.ones(60)),
             funding=Dated(minutes, np.ones(60)), liquidations=Dated(minutes, np.ones(60))),
    ]  # fmt: skip


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("number", range(10))
def test_no_record_however_empty_is_too_little_for_a_table(number: int) -> None:
    table = facts_of(degenerate()[number])
    assert len(table.rows) == len(REFERENCES)
    assert all(row.note for row in table.rows if row.value is None)
    assert all(np.isfinite(row.value) for row in table.rows if row.value is not None)
    assert table.frame().height == len(REFERENCES)
