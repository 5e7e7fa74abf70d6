"""The family of measures: what is registered is listed with its origin, accepted by a study, and nothing else is."""

import json
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

from marketsim.analysis.measures.family import MEASURES, PairMeasure, RatioOfSums, RunMeasure, Term
from marketsim.analysis.measures.register import all_measures, listing, measures_asked_for
from marketsim.analysis.study_effects.effects_table import measure_effects
from marketsim.datasets.run import Run
from marketsim.errors import ScenarioError
from marketsim.report import write_study_report
from marketsim.scenario import load, load_text
from marketsim.scenario.schema import json_schema
from marketsim.scenario.study.measured import MEASURE_GROUPS
from marketsim.scenario.study.study import StudySpec
from tests.analysis.studies import WORLD, made_up, pairs

NAMED_IN_THE_CONTRACT = (
    "price_share amplification volatility reversal slippage_bps shortfall_bps participation wipe_probability "
    "collapse_share cascade_size branching_ratio anticipator_profit premium tracking_error rebalances_per_day "
    "insurance_loss impact_gap_0s impact_gap_1min impact_gap_5min impact_gap_30min impact_gap_2h impact_gap_H "
    "impact_per_move_0s impact_per_move_H multiplier_0s multiplier_2min multiplier_30min multiplier_next "
    "multiplier_cumulative_0s multiplier_predicted_0s multiplier_predicted_next crowding_number_0s "
    "impact_per_usdt_buy_0s impact_per_usdt_sell_30min impact_exponent orders_ratio"
).split()
"""docs/contract.md#measures."""


def test_every_measure_of_the_contract_is_registered() -> None:
    assert set(NAMED_IN_THE_CONTRACT) <= set(all_measures())


def test_a_measure_is_listed_with_its_module_its_unit_and_what_it_is_of() -> None:
    rows = {name: (origin, about) for name, origin, about in listing()}
    assert set(rows) == set(all_measures())
    assert rows["price_share"] == (
        "marketsim.analysis.measures.price_share",
        "Share of the moves around rebalances that the counterfactual lacks: sum x_f (x_f - x_c) / sum x_f^2 "
        "[share; pair of runs]",
    )
    assert rows["premium"][1].endswith("negative is a discount [bps; single run]")


@pytest.mark.parametrize("name", sorted(all_measures()))
def test_every_registered_measure_may_be_asked_for_and_be_primary(name: str) -> None:
    study = load_text(WORLD.replace("STUDY", f"{{measures: [{name}], primary: {name}}}")).study
    assert study is not None
    assert (study.measures, study.primary) == ((name,), name)


def asked(study: str) -> StudySpec:
    spec = load_text(WORLD.replace("STUDY", study)).study
    assert spec is not None
    return spec


def names(study: str) -> list[str]:
    return list(measures_asked_for(asked(study), all_measures()))


@pytest.mark.parametrize("word", [*MEASURE_GROUPS, "reversal_gap", "transfers"])
def test_words_that_stand_for_several_measures_or_a_table_are_accepted_and_not_listed(word: str) -> None:
    assert asked(f"{{measures: [{word}]}}").measures == (word,)
    assert word not in all_measures()


def test_a_study_without_measures_measures_the_push_of_resets_and_what_they_cost() -> None:
    found = names("{arms: [factual, frictionless]}")
    assert found[:7] == [*(f"impact_gap_{t}" for t in "0s 1min 5min 30min 2h H".split()), "impact_per_move_0s"]
    assert found[12:] == ["slippage_bps", "participation"]
    assert asked("{}").primary == "impact_gap_0s"
    assert not asked("{}").is_probed


def test_the_old_spelling_of_the_push_is_the_new_measure() -> None:
    assert names("{measures: [reversal_gap], primary: reversal_gap}") == ["impact_gap_0s"]
    assert asked("{measures: [reversal_gap], primary: reversal_gap}").primary == "impact_gap_0s"


def test_a_crowding_number_brings_impact_by_side_and_a_multiplier_what_stands_beside_it() -> None:
    four = ("0s", "2min", "30min", "next")
    of_crowding = [
        f"{name}_{t}" for name in ("crowding_number", "impact_per_usdt_buy", "impact_per_usdt_sell") for t in four
    ]
    assert names("{measures: [crowding_number]}") == [*of_crowding, "impact_exponent"]
    found = names("{measures: [multiplier]}")
    assert found[:8] == [f"{name}_{t}" for name in ("multiplier", "multiplier_predicted") for t in four]
    assert set(found[8:]) == {*of_crowding, "impact_exponent", "orders_ratio"}
    assert names("{measures: [multiplier_2min]}") == [
        "multiplier_2min",
        "multiplier_predicted_2min",
        "crowding_number_2min",
    ]
    assert all(
        asked(f"{{measures: [{word}]}}").is_probed for word in ("multiplier", "multiplier_2min", "impact_exponent")
    )


def test_probes_that_are_asked_for_bring_crowding_numbers_at_their_horizons() -> None:
    found = names("{measures: [premium], probe: {horizons: [10min]}}")
    assert found[:2] == ["premium", "crowding_number_10min"]
    assert "crowding_number_0s" not in found
    spec = asked("{primary: multiplier, probe: {horizons: [10min, next]}}")
    assert spec.primary == "multiplier_10min"
    measure = measures_asked_for(spec, all_measures())["multiplier_10min"]
    assert measure.window == "10 min after the resets"


def test_a_table_is_no_outcome() -> None:
    with pytest.raises(ScenarioError, match="there is no such measure"):
        asked("{measures: [transfers], primary: transfers}")


def test_an_unknown_measure_is_an_error_with_its_place_what_is_allowed_and_what_was_meant(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(WORLD.replace("STUDY", "{measures: [premium, price_shares]}").lstrip(), encoding="utf-8")
    with pytest.raises(ScenarioError) as refused:
        load(path)
    (problem,) = refused.value.problems
    assert (problem.line, problem.column, problem.text) == (8, 29, "price_shares")
    assert problem.message == "there is no such measure"
    assert problem.suggestion == "price_share"
    assert {"amplification", "reversal_gap", "transfers"} <= set(problem.allowed.split(", "))


def test_the_json_schema_names_what_is_registered() -> None:
    measures = json_schema()["$defs"]["StudySpec"]["properties"]["measures"]["anyOf"][1]["items"]["enum"]
    assert set(measures) == {*all_measures(), *MEASURE_GROUPS, "reversal_gap", "transfers"}


def test_a_scenario_without_measures_is_validated_without_the_room_that_measures(tmp_path: Path) -> None:
    path = tmp_path / "study.yaml"
    path.write_text(WORLD.replace("STUDY", "{arms: [factual]}"), encoding="utf-8")
    program = f"""
import json, sys
from marketsim.scenario import load
load({str(path)!r})
print(json.dumps(sorted(name for name in sys.modules if name.startswith("marketsim.analysis"))))
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(ended.stdout) == []


def test_a_measure_lacking_a_part_is_refused_when_it_is_registered() -> None:
    class Half(RatioOfSums, RunMeasure):
        """Half of something."""

        name = "half"

    with pytest.raises(TypeError) as refused:
        MEASURES.register(Half)
    for part in ("`unit`", "`if_nothing`", "`terms`"):
        assert part in str(refused.value)


def test_a_value_that_is_no_ratio_is_read_as_its_class_says() -> None:
    class Largest(PairMeasure):
        """The largest numerator."""

        name, unit, if_nothing = "largest", "share", "nothing happened"

        def terms(self, factual: Run, counterfactual: Run) -> list[Term]:
            return []

        def value(self, terms) -> float | None:
            return max((term.numerator for term in terms), default=None)

    assert not Largest.is_of_sums
    assert all_measures()["price_share"].is_of_sums
    no_effect = {name: each.no_effect for name, each in all_measures().items() if isinstance(each, PairMeasure)}
    assert (no_effect["price_share"], no_effect["amplification"], no_effect["reversal_half_life"]) == (0.0, 1.0, None)


PLUGIN = """
from marketsim.analysis.measures.family import WHOLE_RUN, RatioOfSums, RunMeasure, Term


class Ordinal(RatioOfSums, RunMeasure):
    \"\"\"Mean number of the replication.\"\"\"

    name, unit, if_nothing = "ordinal", "1", "there was no run"

    def terms(self, run):
        return [Term(WHOLE_RUN, float(run.manifest["replication"]), 1.0)]
"""


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another distribution, `my-measures` 1.2, with one class in one file and an entry point that names it."""
    (tmp_path / "measures_of_mine.py").write_text(PLUGIN, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    point = EntryPoint("ordinal", "measures_of_mine:Ordinal", "marketsim.kinds")
    vars(point)["dist"] = SimpleNamespace(name="my-measures", version="1.2")
    monkeypatch.setattr("marketsim.kinds.entry_points", lambda group: [point])
    monkeypatch.setattr(MEASURES, "_kinds", dict(MEASURES.kinds))
    monkeypatch.setattr(MEASURES, "_is_complete", False)
    monkeypatch.setattr("marketsim.kinds._SEARCHED", [])
    monkeypatch.setattr("marketsim.kinds._PLUGINS", [])
    all_measures.cache_clear()
    yield
    all_measures.cache_clear()


@pytest.mark.usefixtures("plugin")
def test_a_plugins_measure_is_listed_accepted_measured_and_reported(tmp_path: Path) -> None:
    assert ("ordinal", "my-measures 1.2", "Mean number of the replication [1; single run]") in listing()
    assert "ordinal" in json_schema()["$defs"]["StudySpec"]["properties"]["measures"]["anyOf"][1]["items"]["enum"]
    study = made_up(tmp_path, "{measures: [ordinal], replications: 3}", pairs([1, 4, 7], [3, 5, 10], "premium"))
    effects = measure_effects(study, all_measures())
    assert effects.filter(pl.col("versus").is_null(), arm="factual")["estimate"].to_list() == [1.0]  # of 0, 1 and 2
    study.write_effects(effects)
    row = "<tr><td>ordinal</td><td>factual</td><td>–</td><td class=number>1.00</td>"
    assert row in write_study_report(study.path).read_text(encoding="utf-8")


@pytest.mark.usefixtures("plugin")
def test_an_error_message_names_a_plugins_measure_too() -> None:
    with pytest.raises(ScenarioError) as refused:
        load_text(WORLD.replace("STUDY", "{measures: [ordinals]}"))
    assert refused.value.problems[0].suggestion == "ordinal"
