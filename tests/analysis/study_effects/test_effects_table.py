"""Effects of a made-up study: pooled ratios, paired differences, factors of pairing, failures, all by hand."""

from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.comparison.return_correlation import ReturnCorrelation
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.study_effects.effect_row import COLUMNS, EffectRow
from marketsim.analysis.study_effects.effects_table import measure_effects
from tests.analysis.studies import MadeOfPairs, MadeOfRuns, made_up, mean_term, moves, pairs

STUDY = "{arms: [factual, frictionless], measures: [premium]}"
PREMIUM = {"premium": MadeOfRuns("premium")}


def row_of(effects, **where):
    alike = [pl.col(name).eq_missing(pl.lit(value)) for name, value in where.items()]
    (row,) = effects.filter(*alike).to_dicts()
    return row


def test_a_single_run_measure_has_levels_and_the_difference_of_pairs(tmp_path: Path) -> None:
    # outcomes 3, 5, 10 against 1, 4, 7: differences 2, 1, 3, mean 2
    study = made_up(tmp_path, STUDY, pairs([1, 4, 7], [3, 5, 10], "premium"))
    effects = measure_effects(study, PREMIUM)
    assert effects.columns == list(COLUMNS)
    assert effects.select("arm", "versus", "estimate").rows() == [
        ("factual", None, 4.0), ("frictionless", None, 6.0), ("frictionless", "factual", 2.0),
    ]  # fmt: skip
    row = row_of(effects, versus="factual")
    assert (row["pairs"], row["clusters"], row["method"]) == (3, "replications", "BCa")
    assert 1.0 <= row["lo"] <= 1.5
    assert 2.5 <= row["hi"] <= 3.0
    # swaps of 3 pairs: all of one sign only +++ and ---, so 2 of 8; one test, nothing to adjust
    assert row["p"] == row["p_adjusted"] == pytest.approx(0.25)
    # variances: of 1, 4, 7 it is 9, of 3, 5, 10 it is 13, of the differences 1: (9 + 13) / 1
    assert row["variance_ratio"] == pytest.approx(22.0)
    # covariance ((-3)(-3) + 0 + 3 x 4) / 2 = 10.5, so the correlation is 10.5 / sqrt(9 x 13)
    assert row["pair_correlation"] == pytest.approx(10.5 / 117**0.5)
    assert (row["failed"], row["collapsed"]) == (0.0, 0.0)


def test_a_measure_of_pairs_is_a_ratio_of_sums_and_no_mean_of_ratios(tmp_path: Path) -> None:
    # x_f = 1 and 3, x_c = 0 and 3: ratios 1 and 0, but sums (1 x 1 + 3 x 0) / (1 + 9) = 0.1
    runs = [
        {"cell": 0, "replication": r, "arm": arm, "made": {"price_share": moves(x)}}
        for arm, values in (("factual", (1.0, 3.0)), ("frictionless", (0.0, 3.0)))
        for r, x in enumerate(values)
    ]
    study = made_up(tmp_path, "{measures: [price_share], primary: price_share, replications: 2}", runs)
    row = row_of(measure_effects(study, {"price_share": MadeOfPairs("price_share")}), versus="factual")
    assert row["estimate"] == pytest.approx(0.1)
    assert row["primary"] is True
    # jackknife over pairs: 0 and 1, variance 1/2 x (1/4 + 1/4) = 1/4; strangers 1(1 - 3)/1 = -2 and 3(3 - 0)/9 = 1,
    # jackknife 1 and -2: 1/2 x 2 x 2.25 = 2.25
    assert row["variance_ratio"] == pytest.approx(2.25 / 0.25)


def test_the_days_of_a_replication_stay_together_and_are_the_clusters_of_one(tmp_path: Path) -> None:
    def runs(replications: int):
        return [
            {
                "cell": 0,
                "replication": r,
                "arm": arm,
                "made": {"premium": mean_term(1.0 + r + x) + mean_term(3.0 + x, 1)},
            }
            for r in range(replications)
            for arm, x in (("factual", 0.0), ("frictionless", 0.5))
        ]

    one = row_of(measure_effects(made_up(tmp_path / "1", STUDY, runs(1)), PREMIUM), versus=None, arm="factual")
    assert (one["clusters"], one["pairs"], one["estimate"], one["lo"], one["hi"]) == ("days", 1, 2.0, 1.0, 3.0)
    three = row_of(measure_effects(made_up(tmp_path / "3", STUDY, runs(3)), PREMIUM), versus=None, arm="factual")
    assert (three["clusters"], three["estimate"]) == ("replications", 2.5)
    assert 2.0 <= three["lo"] < 2.5 < three["hi"] <= 3.0  # means of replications, never of days (1 to 3)


def test_pairs_with_a_failed_run_are_counted_and_the_rest_estimated(tmp_path: Path) -> None:
    runs = pairs([1, 2, 3, 4], [2, 4, 6, 8], "premium")
    runs[3]["status"] = "failed"
    row = row_of(measure_effects(made_up(tmp_path, STUDY, runs), PREMIUM), versus="factual")
    assert (row["pairs"], row["failed"], row["estimate"]) == (3, 0.25, 2.0)


def test_collapsed_runs_are_counted_beside_the_survivors_mean_and_are_part_of_measures_of_ruin(tmp_path: Path) -> None:
    runs = pairs([1, 2, 3, 400], [2, 4, 6, 8], "premium")
    for run in runs:
        run["made"]["collapse_share"] = mean_term(float(run["made"]["premium"][0]["num"] == 400))
    study = made_up(tmp_path, "{measures: [premium, collapse_share], replications: 4}", runs)
    effects = measure_effects(study, {**PREMIUM, "collapse_share": MadeOfRuns("collapse_share", keeps_collapsed=True)})
    survivors = row_of(effects, measure="premium", versus="factual")
    assert (survivors["pairs"], survivors["collapsed"], survivors["estimate"]) == (3, 0.25, 2.0)
    ruin = row_of(effects, measure="collapse_share", versus="factual")
    assert (ruin["pairs"], ruin["collapsed"], ruin["estimate"]) == (4, 0.25, -0.25)


def test_forks_of_one_instant_are_pairs_and_clusters(tmp_path: Path) -> None:
    runs = [
        {"cell": 0, "replication": r, "arm": arm, "fork": {"at_ns": t}, "made": {"premium": mean_term(x + r)}}
        for r in (0, 1)
        for t, by_arm in ((10, (1.0, 2.0)), (20, (5.0, 8.0)))
        for arm, x in zip(("factual", "blind"), by_arm, strict=True)
    ]
    whole = [{"cell": 0, "replication": r, "arm": "factual", "made": {"premium": mean_term(99.0)}} for r in (0, 1)]
    study = made_up(
        tmp_path, "{arms: [factual, blind], measures: [premium], fork: {horizon: 1h}, replications: 2}", whole + runs
    )
    row = row_of(measure_effects(study, PREMIUM), versus="factual")
    assert (row["pairs"], row["clusters"], row["estimate"]) == (4, "forks", 2.0)  # the whole runs are not among them


def test_the_registered_outcome_is_adjusted_by_itself_and_all_others_together(tmp_path: Path) -> None:
    # 4 pairs of one sign: p = 2/16 = .125 each; two cells. Holm for two: .25; Benjamini-Hochberg for two equal: .125
    runs = []
    for cell in (0, 1):
        for run in pairs([0, 0, 0, 0], [1, 2, 3, 4], "premium", cell=cell):
            run["made"]["participation"] = run["made"]["premium"]
            runs.append(run)
    study = made_up(tmp_path, "{measures: [participation, premium], primary: premium, replications: 4}", runs)
    effects = measure_effects(study, {**PREMIUM, "participation": MadeOfRuns("participation")}).drop_nulls("p")
    assert effects.sort("cell", "measure").select("measure", "p", "p_adjusted").rows() == [
        ("participation", 0.125, 0.125), ("premium", 0.125, 0.25),
        ("participation", 0.125, 0.125), ("premium", 0.125, 0.25),
    ]  # fmt: skip


def test_the_registered_outcome_is_one_row_of_a_cell_and_arm_and_no_level(tmp_path: Path) -> None:
    study = made_up(
        tmp_path, "{measures: [premium], primary: premium, replications: 2}", pairs([1, 2], [2, 4], "premium")
    )
    effects = measure_effects(study, PREMIUM)
    assert effects.select("arm", "versus", "primary").rows() == [
        ("factual", None, False), ("frictionless", None, False), ("frictionless", "factual", True),
    ]  # fmt: skip


def test_an_interval_holds_the_truth_in_95_of_100_studies(tmp_path: Path) -> None:
    """100 differences 1 .. 100: mean 50.5, s^2 = n (n + 1) / 12; t with 99 degrees at .975 is 1.98422 (SciPy)."""
    study = made_up(tmp_path, STUDY, pairs([0.0] * 100, [float(x) for x in range(1, 101)], "premium"))
    row = row_of(measure_effects(study, PREMIUM), versus="factual")
    half = 1.98422 * (100 * 101 / 12 / 100) ** 0.5
    assert row["estimate"] == pytest.approx(50.5)
    assert row["lo"] == pytest.approx(50.5 - half, abs=0.09 * half)  # of 90 % it would be 0.84 of that
    assert row["hi"] == pytest.approx(50.5 + half, abs=0.09 * half)


def test_two_pairs_have_no_correlation_and_three_have(tmp_path: Path) -> None:
    for n, expected in ((2, None), (3, 1.0)):
        study = made_up(tmp_path / str(n), STUDY, pairs([1, 4, 7][:n], [3, 9, 15][:n], "premium"))
        found = row_of(measure_effects(study, PREMIUM), versus="factual")["pair_correlation"]
        assert found == (None if expected is None else pytest.approx(expected))


def test_another_cell_moves_no_interval(tmp_path: Path) -> None:
    outcomes = ([1, 4, 7, 2, 9], [3, 5, 10, 1, 9])
    alone = measure_effects(made_up(tmp_path / "1", STUDY, pairs(*outcomes, "premium")), PREMIUM)
    both = [*pairs(*outcomes, "premium"), *pairs([1, 2], [3, 4], "premium", cell=1)]
    together = measure_effects(made_up(tmp_path / "2", STUDY, both), PREMIUM)
    assert together.filter(cell=0).drop("p_adjusted").equals(alone.drop("p_adjusted"))


def test_a_measure_that_a_run_cannot_tell_is_a_row_with_the_reason(tmp_path: Path) -> None:
    runs = pairs([1, 2], [2, 4], "premium")
    del runs[0]["made"]["premium"]
    row = row_of(measure_effects(made_up(tmp_path, STUDY, runs), PREMIUM), versus="factual")
    assert (row["estimate"], row["method"]) == (None, "none")
    assert row["note"] == "premium needs what was not recorded"


def test_the_correlation_of_returns_is_a_mean_and_its_fall_a_median_over_pairs(tmp_path: Path) -> None:
    study = made_up(tmp_path, STUDY, pairs([1, 2, 3], [2, 4, 6], "premium"))
    told = iter(
        [
            [ReturnCorrelation("M", 0.9, 50)],
            [ReturnCorrelation("M", 0.6, 20), ReturnCorrelation("N", None, None)],
            [ReturnCorrelation("M", 0.9, None)],
        ]
    )
    row = row_of(measure_effects(study, PREMIUM, lambda versus, arm: next(told)), versus="factual")
    assert (row["tape_correlation"], row["parted_ns"]) == (pytest.approx(0.8), 50)


def test_an_effect_without_a_value_says_why_and_in_which_arm(tmp_path: Path) -> None:
    runs = pairs([1, 2], [2, 4], "premium")
    for run in runs:
        if run["arm"] == "frictionless":
            run["made"]["premium"] = mean_term(0.0, count=0.0)
    effects = measure_effects(made_up(tmp_path, STUDY, runs), PREMIUM)
    assert row_of(effects, versus=None, arm="factual")["note"] is None
    assert row_of(effects, versus=None, arm="frictionless")["note"] == "nothing happened"
    row = row_of(effects, versus="factual")
    assert (row["estimate"], row["note"]) == (None, "nothing happened (arm frictionless)")


def test_every_registered_measure_is_measured_where_nothing_else_is_asked_for(tmp_path: Path) -> None:
    """Runs without a single table: each measure is a row that says what it lacks, and none stops the others."""
    study = made_up(tmp_path, "{}", pairs([1], [2], "premium"))
    effects = measure_effects(study, all_measures())
    assert set(effects["measure"]) == set(all_measures())
    assert effects["estimate"].null_count() == effects.height
    assert effects["note"].null_count() == 0


def test_a_row_has_the_columns_of_the_table() -> None:
    assert [field.name for field in fields(EffectRow)] == list(COLUMNS)


def test_a_measure_with_a_table_of_its_own_is_no_row(tmp_path: Path) -> None:
    study = made_up(tmp_path, "{measures: [premium, crowding_number]}", pairs([1, 2], [2, 4], "premium"))
    assert measure_effects(study, PREMIUM)["measure"].unique().to_list() == ["premium"]
