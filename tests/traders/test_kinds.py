"""Kinds of traders: what each says of itself, worked by hand."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from marketsim.scenario.defaults import with_currency
from marketsim.spec import Fault
from marketsim.streams import Stream
from marketsim.traders.group import TRADERS, Surroundings, TraderGroupSpec
from marketsim.traders.kinds.order_flow import LimitFlowSpec
from marketsim.traders.kinds.token_maker import hedge_of
from marketsim.traders.rule import GroupTerms
from marketsim.units import NS_PER_SECOND

MINUTE = 60 * NS_PER_SECOND
HOUR = 60 * MINUTE
AROUND = Surroundings(
    sorts={"PERP": "perpetual", "COIN": "spot", "UP": "token"},
    pools={"PERP": ("main", "USDT"), "COIN": ("main", "USDT"), "UP": ("main", "USDT")},
    baskets={"UP": ("PERP",), "DOWN": ("PERP",), "FAR": ("OTHER",)},
    members={"friends": ("fans",)},
)


def group(kind: str, market: str = "PERP", **keys: Any) -> TraderGroupSpec:
    given = {"id": "them", "kind": kind, "market": market, "count": 2, "capital": "1 kUSDT", **keys}
    return with_currency(TRADERS.kinds[kind].model_validate(given), "USDT", "BTC")


def faults(spec: TraderGroupSpec) -> list[tuple[str, str]]:
    found: list[Fault] = list(spec.faults(AROUND))
    return [(".".join(map(str, fault.path)), fault.message) for fault in found]


@pytest.mark.parametrize(
    ("lookback", "longest_ns"),
    [
        ("30min", 30 * MINUTE),
        ({"uniform": ["1min", "2h"]}, 2 * HOUR),
        ({"pareto": {"min": "1min", "alpha": 1, "max": "6h"}}, 6 * HOUR),
        ({"choice": {"10min": "50%", "3h": "50%"}}, 3 * HOUR),
        ({"exponential": "20min"}, 4 * HOUR),  # a law without an upper end: as much of the past as is kept
    ],
)
def test_a_trend_follower_looks_back_as_far_as_its_law_goes(lookback: Any, longest_ns: int) -> None:
    assert group("trend", lookback=lookback).longest_lookback_ns() == longest_ns
    assert group("contrarian", lookback=lookback).longest_lookback_ns() == longest_ns


def test_who_reads_no_past_prices_asks_for_none_to_be_kept() -> None:
    assert group("noise").longest_lookback_ns() == 0
    assert group("retail", lookback="5min").longest_lookback_ns() == 5 * MINUTE


def test_a_token_makers_hedge_is_the_opposite_of_its_part_of_the_fund() -> None:
    """A fund of 1,000 units with 300 lots long and 40 short; 25 units stand for 7.5 and -1 lots, halves to even."""
    assert hedge_of(25, 1_000, {"PERP": 300, "OTHER": -40}) == {"PERP": -8, "OTHER": 1}
    assert hedge_of(25, 0, {"PERP": 300}) == {"PERP": 0}
    maker = group("token_maker", "UP", holds={"UP": "10%"})
    assert maker.further_markets(("PERP", "OTHER")) == ("PERP", "OTHER")
    assert maker.opening_hedge(25, 1_000, {"PERP": 300}) == {"PERP": -8}
    assert group("token_maker", "UP", hedge=False).opening_hedge(25, 1_000, {"PERP": 300}) == {}


def test_where_each_kind_can_trade() -> None:
    assert faults(group("holder", "COIN")) == [("market", "a holder trades a token in the token's own market")]
    message = "an anticipator trades perpetuals and spot markets, UP is a token"
    assert faults(group("anticipator", "UP")) == [("market", message)]
    assert faults(group("noise", "UP")) == faults(group("noise", "COIN")) == []


def test_nobody_holds_less_than_nothing_or_what_is_traded_elsewhere() -> None:
    assert faults(group("noise", "UP", holds={"UP": "-10%"})) == [("holds.UP", "this number is out of range")]
    (elsewhere,) = faults(group("noise", "PERP", holds={"UP": "10%"}))
    assert elsewhere == ("holds.UP", "a group holds units of the token whose market it trades in")


def test_a_follower_follows_those_it_names_or_all_with_a_leg_where_it_trades() -> None:
    assert group("anticipator").followed(AROUND.baskets) == ["UP", "DOWN"]  # type: ignore[attr-defined]
    assert group("anticipator", tokens=["DOWN"]).followed(AROUND.baskets) == ["DOWN"]  # type: ignore[attr-defined]
    message = "FAR holds nothing in the markets of this group"
    assert faults(group("anticipator", tokens=["FAR"])) == [("tokens.0", message)]


def test_a_group_in_a_world_without_some_tokens() -> None:
    both = group("anticipator", tokens=["UP", "DOWN"])
    assert both.without({"UP"}).tokens == ("DOWN",)  # type: ignore[union-attr]
    assert both.without({"UP", "DOWN"}) is None
    assert group("anticipator").without({"UP"}) is not None  # follows whatever there is
    assert group("holder", "UP").without({"UP"}) is None
    noise = group("noise", holds={"UP": "10%", "DOWN": "20%"}).without({"UP"})
    assert noise is not None
    assert noise.holds == {"DOWN": Decimal("0.2")}


def test_who_takes_the_other_side_of_anything() -> None:
    makers = {word for word, kind in TRADERS.kinds.items() if kind.supplies_liquidity}
    assert makers == {"market_maker", "token_maker", "liquidity_provider"}


CHILDREN = {"number": {"pareto": {"min": 2, "alpha": "1.5", "max": 500}}, "size": "1 kUSDT", "gap": "250ms"}


def test_a_crowd_of_parents_lives_in_the_kernel_and_large_orders_have_a_desk() -> None:
    crowd = group("metaorder", rate="1/h", children=CHILDREN)
    large = group("metaorder", rate="1/h", size="1 MUSDT", over="10min")
    assert (crowd.has_desk(), large.has_desk()) == (False, True)
    assert faults(crowd) == faults(large) == []
    assert large.completed(Decimal(1)).slices == 30  # type: ignore[attr-defined]
    assert crowd.completed(Decimal(1)).slices is None  # type: ignore[attr-defined]


def test_keys_newer_than_stored_documents_are_left_out_of_them() -> None:
    """What a scenario of before these keys said of the same groups, word by word."""
    large = group("metaorder", rate="1/h", size="1 MUSDT", over="10min").completed(Decimal(1)).model_dump(mode="json")
    assert large["slices"] == 30
    assert not large.keys() & {"children", "informed", "error", "stop_past"}
    value = group("fundamentalist").model_dump(mode="json")
    assert (value["capacity"], value["threshold"]) == (
        "60000 USDT",
        {"offset": "0.06%", "scale": "0.8%", "exponent": "0.5"},
    )
    assert not value.keys() & {"reference", "reference_error", "slice", "refill_over", "adopts"}
    retail = group("retail").model_dump(mode="json")
    assert (retail["margin"], retail["target"], retail["stop"]) == ("1000 USDT", "150%", "90%")
    assert not retail.keys() & {"holding", "pause", "margin_call", "reopens"}


def test_a_threshold_with_a_pareto_tail_reaches_large_moves() -> None:
    # at u = 0.99: 0.1 % + 0.5 % x 0.99 x 0.01^(-1/2) = 0.1 % + 4.95 %; without the tail 0.1 % + 0.495 %
    threshold = {"offset": "0.1%", "scale": "0.5%", "exponent": 1}
    heavy = group("fundamentalist", threshold={**threshold, "alpha": 2})
    plain = group("fundamentalist", threshold=threshold)
    found = [float(one.threshold.of(np.array([0.99]))[0]) for one in (heavy, plain)]  # type: ignore[attr-defined]
    assert found == pytest.approx([0.0505, 0.00595])


def test_who_has_a_desk_on_the_clock_and_who_hears_of_its_fills() -> None:
    desks = {word for word, kind in TRADERS.kinds.items() if kind.desk is not TraderGroupSpec.desk}
    carry = {"basis_arbitrageur", "funding_arbitrageur"}
    assert desks == {"token_maker", "anticipator", "liquidity_provider", "metaorder", "investor"} | carry
    assert {word for word in desks if TRADERS.kinds[word].hears_fills} == desks - {"token_maker", "investor"}


SENTENCES = [
    (group("noise"), "30% of their messages are market orders, 40% limit orders, 30% cancel one."),
    (group("trend"), "They go with a return over their look-back (between 1min and 30min, uniformly)"),
    (group("contrarian"), "They go against a return over their look-back"),
    (
        group("retail", leverage=5),
        "They put 1000 USDT at a leverage of 5, 75% of the time in the direction of the last",
    ),
    (group("market_maker"), "They quote 9 levels a side around their fair value, the first 0.0045% away"),
    (group("token_maker", "UP", uses_primary=False), "Every 10s they hedge their units with the perpetuals of the"),
    (
        group("retail", target="none", stop="none", holding="3d", pause="1d", reopens=True),
        "long), and close after 3d on average. Without a position they wait 1d on average. Who has lost the margin",
    ),
    (group("retail", target="none", holding="3d"), "and close at a loss of 90% of it, or after 3d on average."),
    (group("retail", target="none", stop="none"), "and hold on."),
    (group("retail", margin_call={"ratio": "60%"}), "When maintenance margin is 60% of their equity they bring in"),
    (
        group("fundamentalist"),
        "with up to 60000 USDT each, once the price is beyond a threshold of their own (0.06% or",
    ),
    (
        group("fundamentalist", refill_over="3h", adopts="50%", reference="latent"),
        "close at the latent fundamental. After 3h on average each takes its position as given, has its whole capacity",
    ),
    (group("metaorder", size="1 MUSDT", over="1h", slices=7), "50% of them to buy, in 7 slices over 1h."),
    (
        group("metaorder", children=CHILDREN, informed="25%", stop_past="10 bps"),
        "a parent order, 50% of these to buy, in market orders, the first at once. Number of a parent's children: "
        "pareto, min 2, alpha 1.5, max 500; size of each: 1000 USDT; a parent's mean time between them: 250ms. 25% of "
        "the parents follow the latent fundamental instead, and end once the mid is 0.1% past it.",
    ),
    (group("holder", "UP", share="0.2"), "They keep a share of their wealth in UP (0.2), more after a rise over 1h"),
    (group("holder", "UP", share="0.2", chase=0, dislike=0), "share of their wealth in UP (0.2), and trade when"),
]


@pytest.mark.parametrize(("spec", "said"), SENTENCES, ids=lambda part: getattr(part, "kind", ""))
def test_a_kind_says_what_it_does(spec: TraderGroupSpec, said: str) -> None:
    assert said in spec.sentence()


def flow(**keys: Any) -> TraderGroupSpec:
    limits = {"rates": ["3/s", "2/s", "1/s"]}
    given = {"size": "30 USDT", "limits": limits, "market_rate": "2/s", "cancel_rate": "30/min"}
    return group("order_flow", **(given | keys))


def test_rates_of_a_flow_are_thresholds_of_one_draw() -> None:
    """Six limit and two market orders a second on each side: three wake-ups of four are limit orders."""
    spec = flow()
    assert spec.mean_rate() == 8  # of each of its two accounts, 16 in all
    terms = GroupTerms(10_000, NS_PER_SECOND, 300_000, None, lambda name: Stream(1, 0, name))
    parameters = dict(spec.rule(terms).parameters)
    assert parameters.pop("level_table").tolist() == [2**31, 3_579_139_413, 2**32]  # 3 of 6, 5 of 6, 6 of 6
    assert parameters == {
        "limit_threshold": 1_610_612_736, "size_ticklots": 300_000.0, "life_ns": 2.0 * NS_PER_SECOND, "levels": 3,
    }  # fmt: skip


def test_limit_orders_may_be_rarer_the_farther_away_they_are() -> None:
    limits = LimitFlowSpec.model_validate({"rate": "2/s", "levels": 4, "exponent": Decimal("0.5")})
    assert limits.by_level().tolist() == pytest.approx([2, 1.4142135623730951, 1.1547005383792515, 1], rel=1e-12)
    assert float(limits.total()) == pytest.approx(5.5689191017523466)
    assert LimitFlowSpec.model_validate({"rate": "1/min", "levels": 90}).total() == Fraction(3, 2)


@pytest.mark.parametrize(
    ("keys", "places"),
    [
        ({}, []),
        ({"count": 3}, ["count"]),
        ({"rate": "1/h"}, ["rate"]),
        ({"latency": "1ms"}, ["latency"]),
        ({"market_rate": "0/s"}, []),
        ({"market_rate": "0/s", "limits": {"rates": ["0/s"]}}, ["market_rate"]),
        ({"limits": {"levels": 3}}, ["limits"]),
        ({"cancel_rate": "1/d", "limits": {"rates": ["6/s"]}}, ["cancel_rate"]),  # 1,036,800 would rest
        ({"market": "UP"}, ["market"]),
    ],
)
def test_a_flow_that_cannot_be_is_refused_with_its_place(keys: dict[str, Any], places: list[str]) -> None:
    assert [place for place, _ in faults(flow(**keys))] == places


def fcn(**keys: Any) -> TraderGroupSpec:
    fixed = {"fundamental": 2, "chart": 1, "noise": 5, "reversion": "40s", "window": "20s", "margin": Decimal("0.03")}
    return group("fcn", **({"size": "30 USDT", "noise_scale": "0.5%"} | fixed | keys))


def test_an_fcn_agents_weights_are_shares_of_what_they_move_over_its_window() -> None:
    """Shares of 2/8, 1/8 and 5/8; a window of half the reversion; a noise of 0.5 % a second for 20 of them."""
    terms = GroupTerms(10_000, 2 * NS_PER_SECOND, 300_000, None, lambda name: Stream(1, 0, name))
    parameters = fcn().rule(terms).parameters
    wanted = {"fundamental_table": 0.125, "chart_table": 0.125, "noise_table": 0.0625, "margin_table": 0.03}
    assert {name: parameters[name].tolist() for name in wanted} == {name: [each] * 2 for name, each in wanted.items()}
    assert parameters["window_table"].tolist() == [20 * NS_PER_SECOND] * 2
    assert parameters["steps_table"].tolist() == [10, 10]
    assert fcn().longest_lookback_ns() == 20 * NS_PER_SECOND
    nobody = fcn(fundamental={"choice": {0: "100%"}}, chart=0, noise=0).rule(terms).parameters
    assert nobody["fundamental_table"].tolist() == nobody["noise_table"].tolist() == [0, 0]


@pytest.mark.parametrize(
    ("keys", "places"),
    [
        ({}, []),
        ({"window": {"exponential": "1min"}}, ["window"]),
        ({"reversion": {"exponential": "1min"}}, []),
        ({"window": "0s"}, ["window"]),
        ({"window": "25h"}, ["window"]),
        ({"margin": 1}, ["margin"]),
        ({"noise": {"uniform": [-1, 1]}}, ["noise"]),
        ({"fundamental": 0, "chart": 0, "noise": 0}, ["noise"]),
        ({"latency": "1ms"}, ["latency"]),
        ({"market": "COIN"}, []),
        ({"market": "UP"}, ["market"]),
    ],
)
def test_fcn_agents_that_cannot_be_are_refused_with_their_place(keys: dict[str, Any], places: list[str]) -> None:
    assert [place for place, _ in faults(fcn(**keys))] == places
