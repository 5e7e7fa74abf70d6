"""The merging rules, one by one."""

from decimal import Decimal
from pathlib import Path

import pytest

from marketsim import scenario
from marketsim.errors import ScenarioError
from marketsim.scenario.schema import Scenario
from marketsim.units import Money

BASE = """
schema: marketsim/1
name: base
clock: {duration: 1d, warmup: 1h}
underlyings:
  - {id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr}}
markets:
  - {id: M, underlying: BTC, preset: binance_2024}
tokens:
  - {id: A, issuer: alpha, preset: ftx_2021, basket: {M: 3}, aum: 1 MUSDT, nav: 100 USDT}
  - {id: B, like: A, basket: {M: -3}}
  - {id: C, like: B, aum: 2 MUSDT}
traders:
  - {id: noise, kind: noise, market: M, count: 100, capital: {lognormal: {median: 20 kUSDT, sigma: 1}}}
  - {id: makers, kind: market_maker, market: M, count: 5, capital: 2 MUSDT}
references: [one, two]
"""


@pytest.fixture
def derived(tmp_path: Path):
    (tmp_path / "base.yaml").write_text(BASE)

    def load(text: str) -> Scenario:
        path = tmp_path / "derived.yaml"
        path.write_text("extends: base.yaml\n" + text)
        return scenario.load(path)

    return load


def test_maps_merge_deeply_and_the_upper_file_wins(derived) -> None:
    loaded = derived("clock: {warmup: 2h}\nname: derived\n")
    assert (loaded.name, loaded.clock.duration, loaded.clock.warmup) == ("derived", 86_400 * 10**9, 7_200 * 10**9)


def test_lists_of_things_merge_by_id_keep_the_bases_order_and_put_new_ids_last(derived) -> None:
    loaded = derived(
        """
traders:
  - {id: trend, kind: trend, market: M, count: 3, capital: 1 kUSDT}
  - {id: makers, count: 7}
  - {id: noise, count: 9}
"""
    )
    assert [(group.id, group.count) for group in loaded.traders] == [("noise", 9), ("makers", 7), ("trend", 3)]


def test_a_list_without_ids_is_replaced_whole(derived) -> None:
    assert derived("references: [three]").references == ("three",)
    assert derived("traders: []").traders == ()


def test_a_studys_design_and_axes_are_replaced_whole(tmp_path: Path) -> None:
    axes = "study: {{design: {{{}: 4}}, over: {{clock.duration: {{{}: [1h, 2h]}}}}}}\n"
    (tmp_path / "base.yaml").write_text(BASE + axes.format("lhs", "uniform"))
    (tmp_path / "derived.yaml").write_text("extends: base.yaml\n" + axes.format("sobol", "log"))
    study = scenario.load(tmp_path / "derived.yaml").study
    assert study is not None
    assert (study.design.kind, study.over) == ("sobol", {"clock.duration": {"log": ["1h", "2h"]}})


def test_the_axes_of_a_study_replace_those_it_inherits(tmp_path: Path) -> None:
    first, second = "clock.duration: [1h, 2h]", "traders.noise.count: [10, 20]"
    (tmp_path / "base.yaml").write_text(BASE + f"study: {{over: {{{first}}}, replications: 3}}\n")
    (tmp_path / "child.yaml").write_text(f"extends: base.yaml\nstudy: {{over: {{{second}}}}}\n")
    study = scenario.load(tmp_path / "child.yaml").study
    assert study is not None
    assert study.over == {"traders.noise.count": [10, 20]}  # and not a grid of both
    assert study.replications == 3


def test_a_member_is_deleted_by_its_id(derived) -> None:
    loaded = derived("tokens: [{id: B, delete: true}, {id: C, like: A}]")
    assert [token.id for token in loaded.tokens] == ["A", "C"]


def test_deleting_what_is_not_there_is_refused_with_the_nearest_id(derived) -> None:
    with pytest.raises(ScenarioError, match=r"nothing to delete; was 'nois'.*did you mean 'noise'"):
        derived("traders: [{id: nois, delete: true}]")


def test_delete_takes_true_and_nothing_else(derived) -> None:
    with pytest.raises(ScenarioError, match="delete is true or left out"):
        derived("traders: [{id: noise, delete: false}]")


def test_null_deletes_a_key_of_the_base(derived) -> None:
    assert derived("clock: {warmup: null}").clock.warmup == 0


def test_null_deletes_a_key_that_a_preset_set(derived) -> None:
    loaded = derived("tokens: [{id: A, management_fee: null, rebalance: {emergency: null}}]")
    assert loaded.tokens[0].management_fee is None
    assert loaded.tokens[0].rebalance.emergency is None
    assert loaded.tokens[0].rebalance.at == (120 * 10**9,)


def test_null_for_what_is_absent_does_nothing(derived) -> None:
    assert derived("record: null\nclock: {report_every: null}").sha256() == derived("").sha256()


def test_a_distribution_is_replaced_whole(derived) -> None:
    capital = derived("traders: [{id: noise, capital: {uniform: [10 kUSDT, 30 kUSDT]}}]").traders[0].capital
    assert (capital.kind, dict(capital.parameters)) == ("uniform", {"lo": Decimal(10_000), "hi": Decimal(30_000)})


def test_a_distribution_of_the_same_law_is_replaced_whole_too(derived) -> None:
    with pytest.raises(ScenarioError, match="these are not the parameters of lognormal"):
        derived("traders: [{id: noise, capital: {lognormal: {median: 10 kUSDT}}}]")


def test_a_basket_is_replaced_whole(derived) -> None:
    loaded = derived("markets: [{id: N, underlying: BTC}]\ntokens: [{id: A, basket: {N: 2}}]")
    assert loaded.tokens[0].basket == {"N": Decimal(2)}


@pytest.mark.parametrize(
    ("change", "gone"),
    [
        ("underlyings: [{id: BTC, index: {kind: constant, price: 1000 USDT}}]", "volatility"),
        ("tokens: [{id: A, rebalance: {policy: band, upper: 4}}]", "at"),
        ("tokens: [{id: A, execution: {algorithm: off_book}}]", "slice"),
    ],
)
def test_a_map_whose_kind_policy_or_algorithm_changes_is_replaced_whole(derived, change: str, gone: str) -> None:
    loaded = derived(change)
    part = loaded.underlyings[0].index if "underlyings" in change else loaded.tokens[0].rebalance
    part = loaded.tokens[0].execution if "execution" in change else part
    assert gone not in part.model_dump()


def test_a_map_that_states_the_same_kind_merges(derived) -> None:
    index = derived("underlyings: [{id: BTC, index: {kind: gbm, volatility: 50%/yr}}]").underlyings[0].index
    assert (index.volatility, index.price) == (Decimal("0.5"), Money(Decimal(30_000), "USDT"))


def test_like_copies_a_sibling_after_the_base_is_merged(derived) -> None:
    loaded = derived('tokens: [{id: A, rebalance: {at: "12:00"}}]')
    assert [token.rebalance.at for token in loaded.tokens] == [(43_200 * 10**9,)] * 3
    assert [token.basket["M"] for token in loaded.tokens] == [3, -3, -3]
    assert [token.aum.amount for token in loaded.tokens] == [1_000_000, 1_000_000, 2_000_000]


def test_keys_beside_a_preset_override_it(derived) -> None:
    market = derived("markets: [{id: M, fees: {taker: 9 bps}}]").markets[0]
    assert (market.fees.maker, market.fees.taker) == (Decimal("0.0002"), Decimal("0.0009"))


def test_a_preset_of_a_copy_lies_over_what_it_copies(derived) -> None:
    loaded = derived("tokens: [{id: D, like: A, preset: bybit_3x}]")
    assert loaded.tokens[3].rebalance.policy == "band"
    assert loaded.tokens[3].execution == loaded.tokens[0].execution


def test_a_chain_of_bases_merges_from_the_outermost_in(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(BASE)
    (tmp_path / "two.yaml").write_text("extends: one.yaml\nclock: {warmup: 2h}\nseed: 2\n")
    (tmp_path / "three.yaml").write_text("extends: two.yaml\nseed: 3\n")
    loaded = scenario.load(tmp_path / "three.yaml")
    assert (loaded.clock.warmup, loaded.seed) == (7_200 * 10**9, 3)


def test_a_mistake_in_a_base_is_named_with_the_bases_place(tmp_path: Path) -> None:
    (tmp_path / "base.yaml").write_text(BASE.replace("count: 100", "count: many"))
    (tmp_path / "derived.yaml").write_text("extends: base.yaml\nseed: x\n")
    problems = scenario.validate(tmp_path / "derived.yaml")
    assert [(Path(p.file).name, p.line, p.path) for p in problems] == [
        ("base.yaml", 14, "traders.noise.count"),
        ("derived.yaml", 2, "seed"),
    ]


def test_the_root_folder_is_the_nearest_folder_called_scenarios(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios" / "studies"
    folder.mkdir(parents=True)
    (tmp_path / "scenarios" / "base.yaml").write_text(BASE)
    (tmp_path / "outside.yaml").write_text(BASE)
    (folder / "inside.yaml").write_text("extends: ../base.yaml\n")
    (folder / "escape.yaml").write_text("extends: ../../outside.yaml\n")
    assert scenario.validate(folder / "inside.yaml") == []
    assert "leads out" in scenario.validate(folder / "escape.yaml")[0].message


def test_a_link_does_not_lead_out_of_the_root_folder(tmp_path: Path) -> None:
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (tmp_path / "outside.yaml").write_text(BASE)
    (folder / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (folder / "escape.yaml").write_text("extends: link.yaml\n")
    assert "leads out" in scenario.validate(folder / "escape.yaml")[0].message


def test_a_mark_of_another_rule_is_another_mark(derived) -> None:
    """Of `{rule: median, every: 2s, window: 30s}` nothing is left under another rule, and all else under the same."""
    below = "markets:\n  - {id: M, mark: {rule: median, every: 2s, window: 30s}}\n"
    assert _mark(derived(below)) == ("median", 2 * 10**9, 30 * 10**9)
    two = _two_files(derived, below)
    assert _mark(two("markets:\n  - {id: M, mark: {rule: mid}}\n")) == ("mid", 10**9, 60 * 10**9)
    assert _mark(two("markets:\n  - {id: M, mark: {rule: median, every: 5s}}\n")) == ("median", 5 * 10**9, 30 * 10**9)


def _mark(loaded: Scenario) -> tuple[str, int, int]:
    mark = loaded.markets[0].mark
    return mark.rule, mark.every, mark.window


def _two_files(derived, below: str):
    """What stands over a file that itself stands over the base."""
    folder = derived("").root
    (folder / "middle.yaml").write_text("extends: base.yaml\n" + below)

    def load(text: str) -> Scenario:
        path = folder / "top.yaml"
        path.write_text("extends: middle.yaml\n" + text)
        return scenario.load(path)

    return load
