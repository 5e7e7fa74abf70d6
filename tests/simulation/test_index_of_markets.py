"""An index that is the weighted mid of markets of the same world; all levels worked by hand."""

import json

import pytest

from marketsim import scenario
from marketsim.errors import ScenarioError
from marketsim.simulation.model import MarketModel
from tests.simulation.worlds import FREE, SECOND

PERP = {key: value for key, value in FREE.items() if key not in ("id", "underlying", "tick", "lot")}
THIRDS = {"A1": "50%", "A2": "30%", "A3": "20%"}


def document(index: dict, **parts: object) -> dict:
    markets = [{**PERP, "id": name, "underlying": "A", "tick": "0.5 USDT", "lot": "0.01 A"} for name in THIRDS]
    return {
        "schema": "marketsim/1",
        "name": "made-of-markets",
        "clock": {"duration": "1min"},
        "underlyings": [
            {"id": "A", "index": {"kind": "constant", "price": "100 USDT"}},
            {"id": "B", "index": {"kind": "book", "price": "90 USDT", "markets": THIRDS, **index}},
        ],
        "markets": [*markets, {**PERP, "id": "B-PERP", "underlying": "B", "tick": "0.05 USDT", "lot": "0.01 B"}],
        **parts,
    }


def levels(index: dict, quotes: dict[str, tuple[int | None, int | None]]) -> list[float]:
    """The index of B [USDT] before the first step, and after it, with these bids and asks [USDT]."""
    model = MarketModel(scenario.load_text(json.dumps(document(index))))
    account = model.add_agent("quoter", 10**14)
    for market, prices in quotes.items():
        for price, lots in zip(prices, (10, -10), strict=True):
            if price is not None:
                model.gateway.send(account, market, lots, price_ticks=2 * price)
    opening = model.view.index_ticks("B-PERP")
    model.env.run(SECOND)
    found = [opening * 0.05, model.view.index_ticks("B-PERP") * 0.05]
    model.close()
    return found


APART = {"A1": (99, 101), "A2": (109, 111), "A3": (119, 121)}


def test_it_is_the_weighted_mean_of_the_mids_and_opens_at_its_price() -> None:
    # .5 x 100 + .3 x 110 + .2 x 120 = 107
    assert levels({}, APART) == pytest.approx([90, 107])


def test_outliers_are_drawn_to_the_border_or_left_out() -> None:
    # median 110, 5 % about it 104.5 to 115.5: .5 x 104.5 + .3 x 110 + .2 x 115.5 = 108.35, or A2 alone
    assert levels({"outliers": {"beyond": "5%", "then": "clamp"}}, APART)[1] == pytest.approx(108.35)
    assert levels({"outliers": {"beyond": "5%", "then": "drop"}}, APART)[1] == pytest.approx(110)
    # 9.5 % about it: 99.55 to 120.45, all inside
    assert levels({"outliers": {"beyond": "9.5%", "then": "drop"}}, APART)[1] == pytest.approx(107)


def test_a_market_with_an_empty_side_has_no_price_and_the_others_weights_count() -> None:
    # (.5 x 100 + .2 x 120) / .7 = 105.714.., on ticks of .05
    assert levels({}, {**APART, "A2": (109, None)})[1] == pytest.approx(105.7)
    assert levels({}, {"A3": (119, 121)})[1] == pytest.approx(120)


def test_the_median_of_two_is_their_mean_which_holds_where_both_are_left_out() -> None:
    # 100 and 120, median 110: 9.1 % away both
    two = {**APART, "A2": (None, 111)}
    assert levels({"outliers": {"beyond": "5%", "then": "drop"}}, two)[1] == pytest.approx(110)


def test_without_any_price_it_stays() -> None:
    assert levels({}, {"A1": (99, None), "A2": (None, 111)}) == pytest.approx([90, 90])


def problems(index: dict, **parts: object) -> list[tuple[str, str]]:
    with pytest.raises(ScenarioError) as refused:
        scenario.load_text(json.dumps(document(index, **parts)))
    return [(problem.path, problem.message) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("index", "path", "words"),
    [
        ({"markets": {"A1": "60%", "A9": "40%"}}, "markets.A9", "there is nothing called 'A9' in markets"),
        ({"markets": {"A1": "60%", "A2": "30%"}}, "markets", "the weights of an index are not 100% together"),
        ({"markets": {"A1": "100%", "A2": "0%"}}, "markets.A2", "a market without weight is no part of an index"),
        ({"markets": {"B-PERP": "100%"}}, "markets.B-PERP", "B-PERP is a perpetual on this very index"),
        ({"pass_through": "30%"}, "pass_through", "how much of a push stays"),
        ({"outliers": {"beyond": "0%"}}, "outliers.beyond", "out of range"),
    ],
)
def test_what_it_cannot_be_made_of_is_refused_with_its_place(index: dict, path: str, words: str) -> None:
    assert any(where == f"underlyings.B.index.{path}" and words in what for where, what in problems(index))


def test_indices_that_are_made_of_each_other_are_refused() -> None:
    whole = document({})
    underlyings = [
        {"id": "A", "index": {"kind": "book", "price": "100 USDT", "markets": {"B-PERP": "100%"}}},
        whole["underlyings"][1],
    ]
    found = problems({}, underlyings=underlyings)
    assert (
        "underlyings.A.index.markets.B-PERP",
        "the index of B, which B-PERP follows, rests on this one in turn",
    ) in found
    assert any(path == "underlyings.B.index.markets.A1" for path, _ in found)


def test_a_listed_jump_does_not_move_it() -> None:
    jump = [{"at": "10s", "kind": "jump", "underlying": "B", "size": "5%"}]
    assert [path for path, _ in problems({}, events=jump)] == ["events.0.underlying"]


def test_its_sentence_names_markets_weights_and_outliers() -> None:
    made = scenario.load_text(json.dumps(document({"outliers": {"beyond": "5%", "then": "drop"}})))
    assert (
        "The index of B opens at 90 USDT and is the mid of A1 (50%), A2 (30%), A3 (20%); a price more than 5% "
        "from their median is left out, in steps of 1s. How much of a push stays is an outcome." in made.sentences()
    )


def test_a_listed_jump_moves_the_latent_fundamental_behind_it_and_not_the_index() -> None:
    whole = document({}, events=[{"at": "2s", "kind": "jump", "underlying": "B", "size": "10%"}])
    whole["underlyings"][1]["latent"] = {"kind": "constant", "price": "90 USDT"}
    model = MarketModel(scenario.load_text(json.dumps(whole)))
    model.env.run(3 * SECOND)
    # 90 x 1.1 = 99 USDT in ticks of .05; no market has a price, so the index stays at 90
    assert model.world.market_float(model.wired.markets["B-PERP"], "latent_ticks") == pytest.approx(1_980)
    assert model.view.index_ticks("B-PERP") == 1_800
    model.close()


def test_a_latent_fundamental_is_no_market() -> None:
    whole = document({})
    whole["underlyings"][1]["latent"] = {"kind": "book", "price": "90 USDT", "markets": THIRDS}
    found = problems({}, underlyings=whole["underlyings"])
    assert ("underlyings.B.latent.kind", "a latent fundamental is seen by few, and markets by all") in found
