"""Effects of a made-up study, by hand: direction, pairs, ratios of sums, failures, forks, corrections, sentences."""

from dataclasses import fields
from pathlib import Path

import polars as pl
import pytest

from marketsim.analysis.comparison.return_correlation import ReturnCorrelation
from marketsim.analysis.measures.pair_state import PairState
from marketsim.analysis.measures.register import all_measures
from marketsim.analysis.study_effects.effect_row import COLUMNS, EffectRow
from marketsim.analysis.study_effects.effects_table import measure_effects
from tests.analysis.studies import Gap, MadeOfPairs, MadeOfRuns, made_up, mean_term, moves, pairs

STUDY = "{arms: [factual, frictionless], measures: [premium]}"
PREMIUM = {"premium": MadeOfRuns("premium")}
GAP = {"reversal_gap": Gap("reversal_gap")}


def row_of(effects, **where):
    alike = [pl.col(name).eq_missing(pl.lit(value)) for name, value in where.items()]
    (row,) = effects.filter(*alike).to_dicts()
    return row


def pushed(arm: str, *by_replication: float | None, weight: float | None = 1.0, market: str | None = None):
    """Runs of an arm whose price stands so far above the index at its one reset, replication by replication."""
    return [
        {
            "cell": 0,
            "replication": r,
            "arm": arm,
            "made": {"reversal_gap": [{"x": x, "weight": weight, "market": market}]},
        }
        for r, x in enumerate(by_replication)
    ]


THREE = "{arms: [factual, frictionless, {id: stagger, set: {clock.warmup: 1min}}], measures: [reversal_gap]}"


def test_a_row_has_the_columns_of_the_table_in_the_order_of_the_contract() -> None:
    named = (
        "cell market measure unit arm versus pairs estimate lo hi method p p_adjusted estimate_all variance_ratio "
        "pair_correlation failed collapsed dropped coverage jump sentence"
    )
    assert list(COLUMNS)[:22] == named.split()
    assert [field.name for field in fields(EffectRow)] == list(COLUMNS)


def test_a_difference_is_what_the_arm_has_and_the_baseline_has_not(tmp_path: Path) -> None:
    # the baseline is frictionless, where it is listed; outcomes 3, 5, 10 against 1, 4, 7: differences 2, 1, 3
    effects = measure_effects(made_up(tmp_path, STUDY, pairs([3, 5, 10], [1, 4, 7], "premium")), PREMIUM)
    assert effects.columns == list(COLUMNS)
    assert effects.select("arm", "versus", "estimate").rows() == [
        ("factual", None, 6.0), ("factual", "frictionless", 2.0), ("frictionless", None, 4.0),
    ]  # fmt: skip
    row = row_of(effects, versus="frictionless")
    assert (row["pairs"], row["method"], row["lo"], row["hi"], row["coverage"]) == (3, "too_few", None, None, None)
    # swaps of 3 pairs: all of one sign only +++ and ---, so 2 of 8; one test, nothing to adjust
    assert row["p"] == row["p_adjusted"] == pytest.approx(0.25)
    assert row["variance_ratio"] is None  # it is not known from fewer than ten pairs
    # covariance ((-3)(-3) + 0 + 3 x 4) / 2 = 10.5, of 1, 4, 7 and 3, 5, 10 with variances 9 and 13
    assert row["pair_correlation"] == pytest.approx(10.5 / 117**0.5)
    assert (row["failed"], row["collapsed"], row["dropped"], row["estimate_all"]) == (0, 0, 0, 2.0)


def test_a_named_baseline_turns_the_rows_round(tmp_path: Path) -> None:
    study = "{arms: [factual, frictionless], measures: [premium], baseline: factual}"
    effects = measure_effects(made_up(tmp_path, study, pairs([3, 5, 10], [1, 4, 7], "premium")), PREMIUM)
    assert row_of(effects, arm="frictionless", versus="factual")["estimate"] == -2.0


def test_without_a_frictionless_arm_the_first_is_the_baseline(tmp_path: Path) -> None:
    study = "{arms: [blind, factual], measures: [premium]}"
    effects = measure_effects(made_up(tmp_path, study, pairs([3, 5], [1, 4], "premium", arm_id="blind")), PREMIUM)
    assert row_of(effects, versus="blind")["arm"] == "factual"


def test_arms_have_rows_against_factual_beside_those_against_the_baseline(tmp_path: Path) -> None:
    # pushes 30, 20, 34 of factual and 18, 12, 24 of stagger: 28 and 18 against frictionless; -12, -8, -10 between them
    runs = [*pushed("factual", 30, 20, 34), *pushed("frictionless", 0, 0, 0), *pushed("stagger", 18, 12, 24)]
    effects = measure_effects(made_up(tmp_path, THREE, runs), GAP)
    assert effects.select("arm", "versus", "estimate").rows() == [
        ("factual", "frictionless", pytest.approx(28.0)),
        ("stagger", "frictionless", pytest.approx(18.0)),
        ("stagger", "factual", pytest.approx(-10.0)),
    ]
    row = row_of(effects, versus="factual")
    assert (row["pairs"], row["p"]) == (3, pytest.approx(0.25))
    assert row["sentence"].startswith("stagger took 10 bp off what factual pushed the market by at the last fill (")


def test_an_arm_that_sends_no_orders_is_read_at_the_resets_of_factual(tmp_path: Path) -> None:
    # factual's two resets weigh 3 and 1, shadow's own 1 and 3: pushes 4 and 8 of shadow are (3 x 4 + 8) / 4 = 5
    def run(arm: str, x: tuple[float, float], weights: tuple[float, float]):
        terms = [{"x": at, "weight": weight} for at, weight in zip(x, weights, strict=True)]
        return {"cell": 0, "replication": 0, "arm": arm, "made": {"reversal_gap": terms}}

    study = made_up(
        tmp_path,
        "{arms: [factual, frictionless, shadow], measures: [reversal_gap]}",
        [run("factual", (1, 1), (3, 1)), run("frictionless", (0, 0), (9, 9)), run("shadow", (4, 8), (1, 3))],
    )
    assert row_of(measure_effects(study, GAP), arm="shadow", versus="frictionless")["estimate"] == pytest.approx(5.0)


def test_it_is_so_where_factual_itself_is_the_baseline(tmp_path: Path) -> None:
    # factual stands at 1 at both its resets, of weights 3 and 1; frictionless at -3 and 1, at weights of its own
    def run(arm: str, x: tuple[float, float], weights: tuple[float, float]):
        terms = [{"x": at, "weight": weight} for at, weight in zip(x, weights, strict=True)]
        return {"cell": 0, "replication": 0, "arm": arm, "made": {"reversal_gap": terms}}

    runs = [run("factual", (1, 1), (3, 1)), run("frictionless", (-3, 1), (1, 3))]
    study = made_up(tmp_path, "{baseline: factual, measures: [reversal_gap]}", runs)
    (row,) = measure_effects(study, GAP).to_dicts()
    assert (row["arm"], row["versus"], row["estimate"]) == ("frictionless", "factual", pytest.approx(-3.0))


def test_each_market_has_a_row_of_its_own(tmp_path: Path) -> None:
    runs = [*pushed("factual", 2, 4, market="M"), *pushed("frictionless", 0, 0, market="M")]
    for run in runs:
        x = run["made"]["reversal_gap"][0]["x"]
        run["made"]["reversal_gap"].append({"x": 10 * x, "weight": 1.0, "market": "N"})
    effects = measure_effects(made_up(tmp_path, "{measures: [reversal_gap]}", runs), GAP)
    assert effects.select("market", "estimate").rows() == [("M", 3.0), ("N", 30.0)]


def test_a_measure_of_pairs_is_a_ratio_of_sums_and_no_mean_of_ratios(tmp_path: Path) -> None:
    # x_f = 1 and 3, x_c = 0 and 3: ratios 1 and 0, but sums (1 x 1 + 3 x 0) / (1 + 9) = 0.1
    runs = [
        {"cell": 0, "replication": r, "arm": arm, "made": {"price_share": moves(x)}}
        for arm, values in (("factual", (1.0, 3.0)), ("frictionless", (0.0, 3.0)))
        for r, x in enumerate(values)
    ]
    study = made_up(tmp_path, "{measures: [price_share], primary: price_share, replications: 2}", runs)
    row = row_of(measure_effects(study, {"price_share": MadeOfPairs("price_share")}), versus="frictionless")
    assert row["estimate"] == pytest.approx(0.1)
    assert row["p"] == 1.0  # numerators 1 and 0: each of the four sign flips is as large


def test_the_interval_of_a_ratio_is_the_jackknifes(tmp_path: Path) -> None:
    """Six replications of 1/1 and 2/1 and 3/2 twice: 12 / 8, without one each 11/7, 10/7, 9/6."""
    sums = [(1, 1), (2, 1), (3, 2)] * 2
    runs = [
        {"cell": 0, "replication": r, "arm": "factual", "made": {"premium": mean_term(n, count=d)}}
        for r, (n, d) in enumerate(sums)
    ]
    row = row_of(measure_effects(made_up(tmp_path, "{arms: [factual], measures: [premium]}", runs), PREMIUM))
    mean = (11 / 7 + 10 / 7 + 9 / 6) / 3
    variance = 5 / 6 * 2 * sum((x - mean) ** 2 for x in (11 / 7, 10 / 7, 9 / 6))
    assert (row["estimate"], row["method"]) == (1.5, "jackknife_t_skew_small_n")
    # the denominators are worth 8^2 / 12 = 5.333 replications; t with 4.333 degrees at .975 (SciPy): 2.694
    assert row["hi"] == pytest.approx(1.5 + 2.694 * variance**0.5, rel=1e-3)
    assert 0.9 < row["coverage"] < 0.96


def test_ten_pairs_have_an_interval_and_a_variance_ratio(tmp_path: Path) -> None:
    # differences 1 .. 10: mean 5.5, s^2 = 10 x 11 / 12, t with 9 degrees at .975 is 2.262157
    arm, base = [float(x) for x in range(1, 11)], [0.0] * 10
    row = row_of(measure_effects(made_up(tmp_path, STUDY, pairs(arm, base, "premium")), PREMIUM), versus="frictionless")
    half = 2.262157 * (110 / 12 / 10) ** 0.5
    assert (row["lo"], row["hi"]) == (pytest.approx(5.5 - half), pytest.approx(5.5 + half))
    assert (row["method"], row["coverage"]) == ("student_t_skew", None)
    assert row["p"] == pytest.approx(2 / 2**10)
    assert row["variance_ratio"] == pytest.approx(1.0)  # the baseline never varies: pairing takes nothing off


def test_the_days_and_forks_of_a_replication_are_averaged_before_anything_is_compared(tmp_path: Path) -> None:
    # forks of replication 0 push 1 and 5 at weights 3 and 1, 2 on the mean; those of 1 push 4 and 4
    runs = []
    for r, forks in ((0, ((1.0, 3.0), (5.0, 1.0))), (1, ((4.0, 1.0), (4.0, 1.0)))):
        for number, (x, weight) in enumerate(forks):
            for arm, at in (("factual", x), ("frictionless", 0.0)):
                made = {"reversal_gap": [{"x": at, "weight": weight}]}
                runs.append({"cell": 0, "replication": r, "arm": arm, "fork": {"at_ns": 10 + number}, "made": made})
    whole = [{"cell": 0, "replication": r, "arm": "factual", "made": {}} for r in (0, 1)]
    study = made_up(tmp_path, "{measures: [reversal_gap], fork: {horizon: 1h}, replications: 2}", whole + runs)
    row = row_of(measure_effects(study, GAP), versus="frictionless")
    assert (row["pairs"], row["estimate"], row["method"], row["jump"]) == (2, pytest.approx(3.0), "too_few", None)
    assert row["p"] == 0.5  # two replications, not four forks


def test_each_jump_of_the_index_has_rows_of_its_own(tmp_path: Path) -> None:
    runs = [
        {**run, "fork": {"at_ns": 10, "jump": jump}}
        for jump in (-0.04, 0.04)
        for run in [*pushed("factual", 100 * jump), *pushed("frictionless", 0)]
    ]
    effects = measure_effects(made_up(tmp_path, "{measures: [reversal_gap], fork: {horizon: 1h}}", runs), GAP)
    assert effects.select("jump", "estimate").rows() == [(-0.04, -4.0), (0.04, 4.0)]


def test_pairs_with_a_failed_run_are_counted_and_the_rest_estimated(tmp_path: Path) -> None:
    runs = pairs([2, 4, 6, 8], [1, 2, 3, 4], "premium")
    runs[3]["status"] = "failed"
    row = row_of(measure_effects(made_up(tmp_path, STUDY, runs), PREMIUM), versus="frictionless")
    assert (row["pairs"], row["failed"], row["estimate"]) == (3, 1, 2.0)
    assert "1 pair of runs failed" in row["sentence"]


def test_the_survivors_are_estimated_and_all_beside_them_and_ruin_is_of_all(tmp_path: Path) -> None:
    # differences 1, 2, 3 of survivors, 394 of the destroyed one: 2, and (1 + 2 + 3 + 394) / 4 = 100
    runs = pairs([2, 4, 6, 400], [1, 2, 3, 6], "premium")
    for run in runs:
        run["made"]["collapse_share"] = mean_term(float(run["made"]["premium"][0]["num"] == 400))
    study = made_up(tmp_path, "{measures: [premium, collapse_share], replications: 4}", runs)
    measures = {**PREMIUM, "collapse_share": MadeOfRuns("collapse_share", keeps_collapsed=True)}

    def state(arm, versus):
        return PairState(is_collapsed=any(run.manifest["made"]["collapse_share"][0]["num"] for run in (arm, versus)))

    effects = measure_effects(study, measures, state=state)
    row = row_of(effects, measure="premium", versus="frictionless")
    assert (row["pairs"], row["collapsed"], row["estimate"], row["estimate_all"]) == (3, 1, 2.0, 100.0)
    ruin = row_of(effects, measure="collapse_share", versus="frictionless")
    assert (ruin["pairs"], ruin["collapsed"], ruin["estimate"], ruin["estimate_all"]) == (4, 1, 0.25, 0.25)


def test_runaways_stay_in_the_estimate_and_are_left_out_of_the_one_beside_it(tmp_path: Path) -> None:
    study = made_up(tmp_path, STUDY, pairs([2, 4, 9], [1, 2, 0], "premium"))
    effects = measure_effects(
        study, PREMIUM, state=lambda arm, versus: PairState(is_runaway=arm.manifest["replication"] == 2)
    )
    row = row_of(effects, versus="frictionless")
    assert (row["estimate"], row["runaway"], row["estimate_without_runaways"]) == (4.0, 1, 1.5)


def test_resets_that_could_not_be_read_are_counted(tmp_path: Path) -> None:
    runs = [*pushed("factual", 3, 5), *pushed("frictionless", 0, 0)]
    runs[0]["made"]["reversal_gap"].append({"x": 99.0, "weight": None})
    runs[2]["made"]["reversal_gap"].append({"x": 0.0, "weight": 1.0})
    row = row_of(measure_effects(made_up(tmp_path, "{measures: [reversal_gap]}", runs), GAP))
    assert (row["pairs"], row["estimate"], row["dropped"]) == (2, 4.0, 1)
    assert "1 reset or side could not be read" in row["sentence"]


def test_a_difference_of_shares_counts_what_happened_in_one_arm_only(tmp_path: Path) -> None:
    """Of 18 it happened five times in the arm alone, once in the baseline's alone, once in both: .2 +- .262957."""
    arm, baseline = ([1.0] * 5 + [0.0, 1.0] + [0.0] * 11), ([0.0] * 5 + [1.0, 1.0] + [0.0] * 11)
    study = made_up(
        tmp_path,
        "{arms: [factual, frictionless], measures: [collapse_share], replications: 18}",
        pairs(arm, baseline, "collapse_share"),
    )
    effects = measure_effects(study, {"collapse_share": MadeOfRuns("collapse_share", keeps_collapsed=True)})
    row = row_of(effects, arm="factual", versus="frictionless")
    assert row["estimate"] == pytest.approx(4 / 18)
    assert (row["lo"], row["hi"]) == (pytest.approx(-0.062957, abs=1e-6), pytest.approx(0.462957, abs=1e-6))


def test_a_share_of_runs_has_an_exact_interval(tmp_path: Path) -> None:
    runs = [
        {"cell": 0, "replication": r, "arm": "factual", "made": {"collapse_share": mean_term(0.0)}} for r in range(10)
    ]
    study = made_up(tmp_path, "{arms: [factual], measures: [collapse_share]}", runs)
    row = row_of(measure_effects(study, {"collapse_share": MadeOfRuns("collapse_share", keeps_collapsed=True)}))
    assert (row["lo"], row["hi"]) == (0.0, pytest.approx(0.308498, abs=1e-6))  # 1 - .025^(1/10)
    assert row["sentence"].startswith("collapse_share of factual was 0 % [0, 31] over the whole run (10 replications;")


def test_the_registered_outcome_is_adjusted_by_itself_and_all_others_together(tmp_path: Path) -> None:
    # 4 pairs of one sign: p = 2/16 = .125 each; two cells. Holm for two: .25; Benjamini-Hochberg for two equal: .125
    runs = []
    for cell in (0, 1):
        for run in pairs([1, 2, 3, 4], [0, 0, 0, 0], "premium", cell=cell):
            run["made"]["participation"] = run["made"]["premium"]
            runs.append(run)
    study = made_up(tmp_path, "{measures: [participation, premium], primary: premium, replications: 4}", runs)
    effects = measure_effects(study, {**PREMIUM, "participation": MadeOfRuns("participation")}).drop_nulls("p")
    assert effects.sort("cell", "measure").select("measure", "p", "p_adjusted").rows() == [
        ("participation", 0.125, 0.125), ("premium", 0.125, 0.25),
        ("participation", 0.125, 0.125), ("premium", 0.125, 0.25),
    ]  # fmt: skip


def test_a_level_has_no_p_value(tmp_path: Path) -> None:
    study = made_up(tmp_path, "{measures: [premium], primary: premium}", pairs([1, 2], [2, 4], "premium"))
    assert measure_effects(study, PREMIUM).filter(pl.col("versus").is_null())["p"].to_list() == [None, None]


def test_two_pairs_have_no_correlation_and_three_have(tmp_path: Path) -> None:
    for n, expected in ((2, None), (3, 1.0)):
        study = made_up(tmp_path / str(n), STUDY, pairs([1, 4, 7][:n], [3, 9, 15][:n], "premium"))
        found = row_of(measure_effects(study, PREMIUM), versus="frictionless")["pair_correlation"]
        assert found == (None if expected is None else pytest.approx(expected))


def test_another_cell_moves_no_row(tmp_path: Path) -> None:
    outcomes = ([float(x % 7) for x in range(20)], [float(x % 3) for x in range(20)])
    alone = measure_effects(made_up(tmp_path / "1", STUDY, pairs(*outcomes, "premium")), PREMIUM)
    both = [*pairs(*outcomes, "premium"), *pairs([1, 2], [3, 4], "premium", cell=1)]
    together = measure_effects(made_up(tmp_path / "2", STUDY, both), PREMIUM)
    assert together.filter(cell=0).drop("p_adjusted", "sentence").equals(alone.drop("p_adjusted", "sentence"))


def test_a_measure_that_a_run_cannot_tell_is_a_row_with_the_reason(tmp_path: Path) -> None:
    runs = pairs([1, 2], [2, 4], "premium")
    del runs[0]["made"]["premium"]
    row = row_of(measure_effects(made_up(tmp_path, STUDY, runs), PREMIUM), versus="frictionless")
    assert (row["estimate"], row["method"]) == (None, "none")
    assert row["sentence"] == "premium needs what was not recorded"


def test_the_correlation_of_a_measure_of_pairs_is_that_of_the_mids_returns(tmp_path: Path) -> None:
    study = made_up(
        tmp_path, "{measures: [reversal_gap]}", [*pushed("factual", 1, 2, 3), *pushed("frictionless", 2, 4, 6)]
    )
    told = iter(
        [
            [ReturnCorrelation("M", 0.9, 50)],
            [ReturnCorrelation("M", 0.6, 20), ReturnCorrelation("N", None, None)],
            [ReturnCorrelation("M", 0.9, None)],
        ]
    )
    row = row_of(measure_effects(study, GAP, correlations=lambda versus, arm: next(told)), versus="frictionless")
    assert row["pair_correlation"] == pytest.approx(0.8)


def test_an_effect_without_a_value_says_why_and_in_which_arm(tmp_path: Path) -> None:
    runs = pairs([1, 2], [2, 4], "premium")
    for run in runs:
        if run["arm"] == "frictionless":
            run["made"]["premium"] = mean_term(0.0, count=0.0)
    effects = measure_effects(made_up(tmp_path, STUDY, runs), PREMIUM)
    assert row_of(effects, versus=None, arm="frictionless")["sentence"] == "nothing happened"
    row = row_of(effects, versus="frictionless")
    assert (row["estimate"], row["sentence"]) == (None, "nothing happened (arm frictionless)")


def test_the_sentence_of_a_push_names_assets_order_move_window_number_and_method(tmp_path: Path) -> None:
    # pushes 20 .. 29, mean 24.5; s^2 = 110 / 12, half-width 2.262157 sqrt(11 / 12) = 2.1659
    runs = [
        *pushed("factual", *range(20, 30), weight=14e6, market="BTC-PERP"),
        *pushed("frictionless", *[0.0] * 10, weight=14e6, market="BTC-PERP"),
    ]
    row = row_of(measure_effects(made_up(tmp_path, "{measures: [reversal_gap], replications: 10}", runs), GAP))
    assert row["sentence"] == (
        "Resets of 200 MUSDT of assets (orders of 14 MUSDT after moves of 1.2 % on average) pushed BTC-PERP by "
        "24.5 bp [22.3, 26.7] at the last fill, factual against frictionless (10 replications; 95 % interval by "
        "Student's t, longer on the side of a skew; p = 0.002 by sign flips, adjusted for all tests)."
    )


def test_every_registered_measure_is_a_row_that_says_what_it_lacks(tmp_path: Path) -> None:
    """Runs without a single table: none of the measures stops the others."""
    study = made_up(tmp_path, f"{{measures: [{', '.join(all_measures())}]}}", pairs([1], [2], "premium"))
    effects = measure_effects(study, all_measures(), state=lambda arm, versus: PairState())
    assert set(effects["measure"]) == set(all_measures())
    assert effects["estimate"].null_count() == effects.height
    assert (effects["sentence"].str.len_chars() > 0).all()


def test_a_measure_of_pairs_says_that_a_study_of_one_arm_compares_nothing(tmp_path: Path) -> None:
    study = made_up(tmp_path, "{arms: [factual], measures: [reversal_gap]}", pushed("factual", 3, 4))
    (row,) = measure_effects(study, GAP).to_dicts()
    assert (row["arm"], row["versus"], row["estimate"]) == ("factual", None, None)
    assert row["sentence"] == "it compares an arm with the baseline, and the study has one arm"


def test_a_word_for_a_table_is_no_row(tmp_path: Path) -> None:
    study = made_up(tmp_path, "{measures: [premium, transfers]}", pairs([1, 2], [2, 4], "premium"))
    assert measure_effects(study, PREMIUM)["measure"].unique().to_list() == ["premium"]
