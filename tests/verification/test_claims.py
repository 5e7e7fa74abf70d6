"""The user's source, statement by statement: every scenario of scenarios/claims is run, and its verdict is the one that
follows from the formulas of docs/products.md#families (the reason stands beside each figure), not from an earlier run.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

import marketsim as ms
from marketsim.analysis.claims.verdicts import Verdict, all_claims, verdicts
from tests.verification.results import FOLDER, SCENARIOS

OUTCOMES = {
    "claim-multiple": "conditional",  # from reset to reset: over several days returns compound (A0.4)
    "claim-basket": "confirmed",  # equity = C + sum q P, and nothing else moves it at no cost (A0.1)
    "claim-spot": "confirmed",  # a token with a book and makers in it is traded there
    "claim-redemption": "as declared",  # rules of the issuer's, each declared (A.6)
    "claim-premium": "confirmed",  # equity = C + q P at the perp's mark, and q P F is paid at a settlement (A0.1, A.7)
    "claim-costs": "conditional",  # a short position receives funding when the rate is positive (B.1)
    "claim-gap": "refuted",  # -35 % is beyond -1/L = -33.3 %; margin ends a fund a little earlier (A0.9)
    "claim-liquidation": "conditional",  # daily resets sell on the way down: fewer liquidations, no smaller falls
    "claim-target": "conditional",  # L (1 + r) / (1 + L r) between resets (A0.3)
    "claim-exposure": "confirmed",  # L (L - 1) > 0 outside [0, 1] (A0.11)
    "claim-violent": "conditional",  # a clock does not look at prices
    "claim-choppy": "confirmed",  # (1 + L r)(1 + L r') < 1 where (1 + r)(1 + r') = 1, for L outside [0, 1] (A0.10)
    "claim-split": "as declared",  # units / R, NAV x R (A.9)
    "claim-perp": "conditional",  # dearer to open and close (30 against 20 bps), cheaper by the day
    "claim-flat": "conditional",  # a trade at the mark changes no equity; fees and funding do (A0.1)
}


NEWEST = sorted(path for path in (SCENARIOS / "claims").glob("*.yaml") if "@" not in path.name)


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """Verdicts by name of the scenario."""
    out = tmp_path_factory.mktemp("claims")
    for path in NEWEST:
        if ms.load(path).study is None:
            ms.run(path, out=out, report=False)
        else:
            ms.sweep(path, out=out, report=False)
    judged = {name.split("/")[0]: verdict for name, verdict in verdicts(out).items()}
    write(judged)
    return judged


def write(judged: dict[str, Verdict]) -> None:
    """Write claims.csv: claim, outcome, sentence."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with (FOLDER / "claims.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("claim", "outcome", "sentence"))
        writer.writerows((verdict.claim, verdict.outcome, verdict.sentence) for verdict in judged.values())


def test_every_claim_has_a_scenario_and_an_expected_verdict(found: dict[str, Verdict]) -> None:
    assert set(found) == set(OUTCOMES)
    assert {verdict.word for verdict in found.values()} == set(all_claims())
    assert len(NEWEST) == len(OUTCOMES)


@pytest.mark.parametrize("claim", OUTCOMES)
def test_the_verdict_is_the_one_that_follows_from_the_rules(
    found: dict[str, Verdict], claim: str, say: Callable[[str], None]
) -> None:
    say(f"{found[claim].claim}: {found[claim].outcome}. {found[claim].sentence}")
    assert found[claim].outcome == OUTCOMES[claim]


def test_returns_over_several_days_are_products_of_daily_ones(found: dict[str, Verdict]) -> None:
    """1.15 x 0.70 x 1.24 x 0.94 x 1.30 and 0.85 x 1.30 x 0.76 x 1.06 x 0.70, with -2 % to the tick."""
    figures = found["claim-multiple"].figures
    assert figures["BTC3L_return"] == pytest.approx(1.15 * 0.70 * 1.24 * 0.94 * 1.30 - 1, abs=1e-4)
    assert figures["BTC3S_return"] == pytest.approx(0.85 * 1.30 * 0.76 * 1.06 * 0.70 - 1, abs=1e-4)


def test_a_basket_earns_what_its_perpetuals_earn_to_the_atom(found: dict[str, Verdict]) -> None:
    """100 MUSDT compounded over five days of sum (target x return); prices are whole ticks, so within a rounding."""
    figures = found["claim-basket"].figures
    assert figures["not_from_perpetuals_atoms"] == 0
    btc, eth = (0.05, -0.10, 0.08, -0.02, 0.10), (-0.05, 0.10, 0.05, -0.10, 0.02)
    for token, first, second in (("COIN", 3, 0), ("PAIR", 2, 1), ("SPREAD", 1.5, -1.5)):
        worth = 1.0
        for r, q in zip(btc, eth, strict=True):
            worth *= 1 + first * r + second * q
        assert figures[f"{token}_made_atoms"] / 1e16 == pytest.approx(worth - 1, abs=2e-5)
        assert figures[f"{token}_legs"] == 1 + (second != 0)


def test_leverage_drifts_between_resets_as_ftx_published(found: dict[str, Verdict]) -> None:
    """A0.3: +3 after -10 % 3.857, after +20 % 3 x 1.2 / 1.6; -3 -3.6 / 0.4 and -2.7 / 1.3; held, 3 x 1.188 / 1.564."""
    figures = found["claim-target"].figures
    assert figures["BTC3L_largest"] == pytest.approx(27 / 7, abs=1e-5)
    assert figures["BTC3L_least"] == pytest.approx(3.6 / 1.6, abs=1e-5)
    assert figures["BTC3S_largest"] == pytest.approx(-3.6 / 0.4, abs=1e-4)
    assert figures["BTC3S_least"] == pytest.approx(-2.7 / 1.3, abs=1e-5)
    assert figures["HELD_at_the_end"] == pytest.approx(3 * 1.188 / 1.564, abs=1e-5)


def test_a_premium_of_forty_basis_points_is_worth_three_times_as_much_and_costs_the_cap(
    found: dict[str, Verdict],
) -> None:
    """A bid 0.4 % over the index holds the mark there; funding of 0.3 %, the venue's cap, on 3 x 1.004 of equity."""
    figures = found["claim-premium"].figures
    assert figures["BTC3L_from_premium"] == pytest.approx(0.0120, abs=5e-4)
    assert figures["BTC3L_from_funding"] == pytest.approx(-3 * 1.004 * 0.0030, abs=2e-5)
    assert figures["BTC3S_from_premium"] == pytest.approx(-figures["BTC3L_from_premium"], abs=1e-9)
    assert figures["BTC3S_from_funding"] == pytest.approx(-figures["BTC3L_from_funding"], abs=1e-9)


def test_a_day_costs_what_the_rates_say(found: dict[str, Verdict]) -> None:
    """Holders pay 0.1 % of what they trade. Funds: management 1 bp of equity, funding 3 x 3 x 1 bp, and inside them
    5 bps on |L (L - 1)| x 3 % of equity: 0.9 and 1.8 bps.

    NAV drifts by a few per cent and the moves back are of 2.9 %, so each is met within a tenth; fees of trades of some
    cents are rounded.
    """
    figures = found["claim-costs"].figures
    assert figures["trading_fee"] == pytest.approx(0.0010, rel=1e-4)
    for token, trading, funding in (("BTC3L", -0.9e-4, -9e-4), ("BTC3S", -1.8e-4, 9e-4)):
        assert figures[f"{token}_management_fee_per_day"] == pytest.approx(-1e-4, rel=0.1)
        assert figures[f"{token}_trading_fee_per_day"] == pytest.approx(trading, rel=0.1)
        assert figures[f"{token}_funding_per_day"] == pytest.approx(funding, rel=0.1)


def test_a_gap_of_35_percent_ends_a_plus_three_token_and_costs_a_plus_two_70_percent(
    found: dict[str, Verdict],
) -> None:
    """Reset at leverage 3 after each three steps of 5 % (1 + 3 x (0.95^3 - 1) = 0.572125), three times: 0.1873.

    -33 % leaves 1 % of the equity, and 0.65 % (the tier of 2 MUSDT) of 2.01 times the equity are due as margin.
    """
    figures = found["claim-gap"].figures
    assert figures["BTC3L_return"] == -1
    assert figures["BTC2L_return"] == pytest.approx(-0.70, abs=6e-6)  # 66.667 BTC are off by half a lot, 5e-4, at most
    assert figures["ETH3L_return"] == pytest.approx((1 + 3 * (0.95**3 - 1)) ** 3 - 1, abs=1e-4)
    assert figures["asked_of_holders_atoms"] == 0
    assert figures["least_nav"] == 0
    assert (figures["wiped_tokens"], figures["liquidated_funds"], figures["liquidated_above_zero"]) == (2, 2, 1)


def test_orders_after_ten_percent_are_of_the_published_size(found: dict[str, Verdict]) -> None:
    """L (L - 1) r of the old equity (A0.7), 0.6, 1.2, 0.2 and -0.025, at the old price: over 1.1 in coins."""
    figures = found["claim-exposure"].figures
    for token, size in (("BTC3L", 0.6), ("BTC3S", 1.2), ("BTCHEDGE", 0.2), ("BTCHALF", -0.025)):
        assert figures[f"{token}_first_order_of_equity"] == pytest.approx(size / 1.1, abs=1e-5)


def test_three_times_the_volatility_means_about_nine_times_the_rebalances(found: dict[str, Verdict]) -> None:
    """A diffusion leaves the band [-4.35 %, +5.88 %] (A0.5 for 3.3 and 2.7) after ln(1.0588) x -ln(0.9565) / V years.

    In 60 days 10.4 times at 40 % and 93 times at 120 %; a renewal count scatters by about its root times 0.9, and the
    bounds are three such deviations. A clock strikes 59 times whatever the market does.
    """
    figures = found["claim-violent"].figures
    assert figures["CALM-BAND_rebalances"] == pytest.approx(10.4, abs=9)
    assert figures["WILD-BAND_rebalances"] == pytest.approx(93, abs=26)
    assert figures["CALM-CLOCK_rebalances"] == figures["WILD-CLOCK_rebalances"] == 59


def test_five_times_up_five_percent_and_back_costs_seven_and_thirteen_percent(found: dict[str, Verdict]) -> None:
    """(1.15 x 6/7)^5 and (0.85 x 8/7)^5; a rise of 5 % a day for ten days makes 1.15^10."""
    figures = found["claim-choppy"].figures
    assert figures["BTC3L_return"] == pytest.approx((1.15 * 6 / 7) ** 5 - 1, abs=1e-6)
    assert figures["BTC3S_return"] == pytest.approx((0.85 * 8 / 7) ** 5 - 1, abs=1e-6)
    assert figures["HELD_return"] == 0
    assert figures["ETH3L_return"] == pytest.approx(1.15**10 - 1, rel=1e-4)


def test_five_days_without_a_move_cost_only_what_is_charged(found: dict[str, Verdict]) -> None:
    """Five fees of 1 bp; 15 settlements of 1 bp on leverage 3, the first on 3.5; 5 bps on half the equity."""
    figures = found["claim-flat"].figures
    assert figures["FREE_beside_charges_atoms"] == 0
    assert figures["FREE_rebalances"] >= 1
    assert figures["FEE_return"] == pytest.approx(0.9999**5 - 1, abs=1e-8)
    assert figures["FUNDED_return"] == pytest.approx(-(14 * 3 + 3.5) * 1e-4, abs=2e-5)
    assert figures["PAYING_return"] == pytest.approx(-0.5 * 5e-4, rel=0.01)


def test_a_token_is_traded_within_a_percent_of_its_nav(found: dict[str, Verdict]) -> None:
    """Makers quote NAV plus and minus half a spread, less what their inventory moves them: under 1 % at these sizes."""
    figures = found["claim-spot"].figures
    assert figures["holders_trades"] > 100
    assert figures["median_premium"] < 0.01


def test_creation_and_redemption_cost_ten_basis_points_and_stop_at_cap_and_rebalance(found: dict[str, Verdict]) -> None:
    figures = found["claim-redemption"].figures
    assert figures["creation_fee"] == pytest.approx(0.0010, abs=1e-8)
    assert figures["redemption_fee"] == pytest.approx(0.0010, abs=1e-8)
    assert figures["settled_during_rebalances"] == 0
    assert 0.9 * 150_000 < figures["largest_day"] <= 150_000  # requests are of a few kUSDT, so the cap is nearly met


def test_ten_tokens_become_one_at_the_first_nav_below_thirty(found: dict[str, Verdict]) -> None:
    """0.7^4 = 0.2401 is the first power of 0.7 below 0.3; after eight days 0.7^8 of a holder's money is left."""
    figures = found["claim-split"].figures
    assert figures["splits"] == 1
    assert figures["fall_before"] == pytest.approx(0.7**4 - 1, abs=1e-6)
    assert figures["tokens_made_of_one"] == pytest.approx(0.1, abs=1e-9)
    assert figures["loss_since_start"] == pytest.approx(0.7**8 - 1, abs=1e-5)


def test_a_perp_of_the_same_exposure_costs_more_at_first_and_less_from_the_fourth_day_on(
    found: dict[str, Verdict],
) -> None:
    """Buying and selling: 3 x 5 bps twice against 10 bps twice. A day: funding 9 bps of the long and back to the short,
    so nothing in the mean of the two; a token 1 bp more, and 5 bps on orders of L (L - 1) |r|.

    At 70 % a year |r| is 70 % / sqrt(365) x sqrt(2 / pi) = 2.92 % a day in the mean, so 5 bps x 9 x 2.92 % = 1.3 bps in
    the mean of L (L - 1) = 6 and 12: 2.3 bps a day, and 10 / 2.3 = 4.3 days.

    Funding scatters with the path: NAVs of the two part by 6 sigma sqrt(t), sqrt(3) in their mean over time; a stop at
    10 % leaves one of two positions, and 0.4 is the deviation of the share of the time by which one outlasts the other.
    """
    figures = found["claim-perp"].figures
    paths = 40
    for cell, days in enumerate((1, 3, 10, 30)):
        resets, funding = days - 1, 9e-4 * days  # the last reset is at the end, which is not run
        token = 3 * funding * 0.70 * (days / 365) ** 0.5 * 3 / 3**0.5 / paths**0.5
        perp = 3 * funding * 0.4 / paths**0.5
        expected = 0.0020 + (1 + 1.3) * 1e-4 * resets
        assert figures[f"cell{cell}_token_cost"] == pytest.approx(expected, abs=token + 0.3e-4 * resets)
        assert figures[f"cell{cell}_perp_cost"] == pytest.approx(0.0030, abs=perp)
    assert figures["cell0_costs_less"] == 0
    assert figures["cell3_costs_less_lo"] > 0.5


def test_a_perp_at_three_times_is_liquidated_as_often_as_a_price_falls_by_a_third(found: dict[str, Verdict]) -> None:
    """Reflection: P(min of a driftless log price below ln(2/3)) and P(max above ln(4/3)) in 30 of 365 days at 100 %.

    2 Phi(-0.405 / 0.287) = 0.158 for longs, 2 Phi(-0.288 / 0.287) = 0.316 for shorts, so one of the two on 0.47 of the
    paths, less those that see both; the growth of -1/2 sigma^2 adds to the first and takes from the second. Of 60 paths
    the standard error is 6.4 %, three of them 19 %. Funds are lost by a jump of a quarter or more between two looks:
    0.9 jumps a month of 10 %.
    """
    figures = found["claim-liquidation"].figures
    assert figures["perp_liquidated"] == pytest.approx(0.47, abs=0.19)
    assert figures["token_ended"] < 0.10
    assert 0 < figures["token_kept_where_perp_liquidated"] < 0.5


def test_verdicts_are_written_down_for_whoever_reads_them(found: dict[str, Verdict]) -> None:
    assert Path(FOLDER / "claims.csv").read_text(encoding="utf-8").count("\n") == len(found) + 1
