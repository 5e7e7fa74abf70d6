"""Scores worked by hand, and answers that cannot be scored."""

from math import log
from pathlib import Path

import polars as pl
import pytest

from marketsim.errors import UsageError
from marketsim.publication.blind.score import chance, circular_minutes, macro_f1, read_submission, score

TRUTH = pl.DataFrame(
    {
        "run": ["a", "b", "c", "d"],
        "rule": ["daily", "daily", "none", "band"],
        "clock_utc": ["00:02", "23:50", None, None],
        "aum": [10e6, 20e6, None, 5e6],
        "why": ["a fund", "a fund", "no fund", "a fund"],
    }
)


def answer(rows: list[tuple]) -> pl.DataFrame:
    return pl.DataFrame(
        rows,
        schema={
            "run": pl.String,
            "rule": pl.String,
            "clock_utc": pl.String,
            "aum": pl.Float64,
            "aum_lo": pl.Float64,
            "aum_hi": pl.Float64,
        },
        orient="row",
    )


SAID = answer(
    [
        ("a", "daily", "00:10", 20e6, 5e6, 40e6),
        ("b", "none", "00:10", None, None, None),
        ("c", "none", None, 1e6, 1e6, 1e6),
        ("d", "daily", None, 5e6, 6e6, 7e6),
    ]
)


def test_macro_f1_is_the_mean_over_true_rules() -> None:
    """daily: one right of two true and two said, 2/4; none: one of one and two, 2/3; band: 0."""
    assert macro_f1(TRUTH["rule"].to_list(), SAID["rule"].to_list()) == pytest.approx((1 / 2 + 2 / 3 + 0) / 3)
    assert macro_f1(["none"], ["none"]) == 1


def test_assets_and_clocks_are_asked_of_funds_alone() -> None:
    found = score(TRUTH, SAID)
    assert found.aum_log_error == pytest.approx((log(2) + 0) / 2)  # a is twice too large, d is right, b has none
    assert found.aum_missed == pytest.approx(1 / 3)
    assert found.aum_coverage == pytest.approx(1 / 3)  # a's interval holds, b has none, d's lies above
    assert found.clock_minutes == pytest.approx((8 + 20) / 2)
    assert found.clock_missed == 0


def test_clocks_go_round() -> None:
    assert circular_minutes("23:50", "00:10") == 20
    assert circular_minutes("00:00", "12:00") == 720
    assert circular_minutes("18:00", "06:01") == 719


def test_chance_of_two_rules_is_what_drawing_gives() -> None:
    """Half and half in training and test: each F1 is near a half; clocks drawn from the one that there is are right."""
    train = pl.DataFrame(
        {
            "run": ["x", "y"],
            "rule": ["daily", "none"],
            "clock_utc": ["00:02", None],
            "aum": [8.0, None],
            "why": ["", ""],
        }
    )
    test = pl.DataFrame(
        {
            "run": [str(n) for n in range(40)],
            "rule": ["daily", "none"] * 20,
            "clock_utc": ["12:02", None] * 20,
            "aum": [8.0, None] * 20,
            "why": [""] * 40,
        }
    )
    found = chance(train, test)
    assert found.macro_f1 == pytest.approx(0.5, abs=0.02)
    assert (found.clock_minutes, found.aum_log_error, found.aum_coverage) == (720, 0, 1)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_an_answer_is_read_in_either_form_and_any_order(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"answer.{ending}"
    rows = SAID.reverse()
    rows.write_csv(path) if ending == "csv" else rows.write_parquet(path)
    assert score(TRUTH, read_submission(path, TRUTH["run"].to_list())) == score(TRUTH, SAID)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (SAID.drop("aum_lo"), r"no column aum_lo; allowed: run, rule"),
        (SAID.head(3), r"1 runs are not answered, d among them"),
        (pl.concat([SAID, SAID.tail(1)]), r"run d is answered twice"),
        (SAID.with_columns(run=pl.col("run").replace("d", "e")), r"1 runs are not answered"),
        (pl.concat([SAID, answer([("e", "none", None, None, None, None)])]), r"'e' is no test run"),
        (SAID.with_columns(clock_utc=pl.lit("25:00")), r"clock_utc is '25:00'; allowed: HH:MM"),
        (SAID.with_columns(aum=pl.lit(-1.0)), r"aum is -1.0; allowed: above 0"),
        (SAID.with_columns(rule=pl.lit(None, pl.String)), r"run a has no rule"),
    ],
)
def test_what_cannot_be_scored_is_refused_in_words(tmp_path: Path, change: pl.DataFrame, words: str) -> None:
    path = tmp_path / "answer.parquet"
    change.write_parquet(path)
    with pytest.raises(UsageError, match=words):
        read_submission(path, TRUTH["run"].to_list())


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    path.write_text("no Parquet")
    with pytest.raises(UsageError, match="is no Parquet or CSV file"):
        read_submission(path, ["a"])
