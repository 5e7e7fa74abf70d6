"""Verdicts on claims: computed from the tables of any scenario that names one. All shipped ones: tests/verification."""

from pathlib import Path

import polars as pl
import pytest

import marketsim as ms
from marketsim.analysis.claims.family import CLAIMS, Evaluation, RunClaim
from marketsim.analysis.claims.path_shares import PathShare
from marketsim.analysis.claims.perp import PerpClaim
from marketsim.analysis.claims.verdicts import all_claims, listing, verdict, verdicts
from marketsim.datasets.run import Run
from marketsim.errors import ResultError, ScenarioError, UsageError

SCENARIOS = Path(__file__).resolve().parents[3] / "scenarios"


def run(name: str, out: Path, **changes: str) -> Path:
    return ms.run(SCENARIOS / f"{name}.yaml", out=out, report=False, set=changes).path


def own(text: str, tmp_path: Path) -> Run:
    """A run of a user's own scenario."""
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: marketsim:costless\nname: mine\n{text}", encoding="utf-8")
    return Run(ms.run(path, out=tmp_path / "out", report=False).path)


def test_rebalancing_alone_takes_nothing_where_the_price_does_not_move(tmp_path: Path) -> None:
    found = verdict(run("claims/flat", tmp_path))
    assert found.claim == "NAV decays in a sideways market even where the price does not move"
    assert (found.word, found.outcome) == ("flat", "conditional")
    assert [found.figures[f"{name}_beside_charges_atoms"] for name in ("FREE", "FEE", "FUNDED", "PAYING")] == [0] * 4
    assert found.figures["FEE_return"] == pytest.approx(0.9999**5 - 1, abs=1e-8)


def test_a_gap_of_thirty_five_percent_refutes_that_a_holder_cannot_lose_all_at_once(tmp_path: Path) -> None:
    run("claims/gap", tmp_path)
    (found,) = verdicts(tmp_path).values()
    assert found.outcome == "refuted"
    assert found.figures["BTC3L_return"] == -1


def test_the_outcome_follows_from_the_rows_and_not_from_the_name(tmp_path: Path) -> None:
    # -30 % is within 1/3; -33 % leaves a hundredth of the equity, too little for the margin
    paths = ("underlyings.BTC.index.points", "underlyings.SOL.index.points")
    gentle = {paths[0]: "[[0s, 30000 USDT], [6h, 21000 USDT]]", paths[1]: "[[0s, 100 USDT], [6h, 70 USDT]]"}
    assert verdict(run("claims/gap", tmp_path, **gentle)).outcome == "confirmed"
    margin = {**gentle, paths[1]: "[[0s, 100 USDT], [6h, 67 USDT]]"}
    found = verdict(run("claims/gap", tmp_path, **margin))
    assert found.outcome == "refuted"
    assert "SOL3L had something left when the venue liquidated its account for want of margin" in found.sentence
    free = {**margin, "tokens.*.account.tiers": "none"}
    assert verdict(run("claims/gap", tmp_path, **free)).outcome == "confirmed"


def test_a_scenario_of_ones_own_is_judged_by_its_own_tokens(tmp_path: Path) -> None:
    """A coin that rises by 10 % twice: a 2x token makes 1.2 x 1.2 = 1.44, where twice the coin's return is 42 %."""
    found = verdict(
        own(
            """
title: My token doubles my coin
claim: multiple
clock: {duration: 30h}
underlyings:
  - {id: BTC, index: {kind: path, points: [[0s, 30000 USDT], [6h, 33000 USDT], [27h, 36300 USDT]]}}
tokens:
  - {id: BTC3L, delete: true}
  - {id: BTC3S, delete: true}
  - id: DOUBLE
    issuer: me
    basket: {BTC-PERP: 2}
    aum: 100 MUSDT
    nav: 1 USDT
    rebalance: {policy: daily, at: "12:00"}
    execution: {algorithm: off_book, off_book_fees: false}
""",
            tmp_path,
        )
    )
    assert (found.claim, found.word, found.outcome) == ("My token doubles my coin", "multiple", "conditional")
    assert found.figures["DOUBLE_return"] == pytest.approx(0.44, abs=1e-6)
    assert found.figures["DOUBLE_multiple_of_return"] == pytest.approx(0.42, abs=1e-9)
    assert "DOUBLE (+2) returned +44.0% where 2 times the coin is +42.0%" in found.sentence


def test_what_a_run_cannot_tell_is_undecided_and_says_what_is_missing(tmp_path: Path) -> None:
    still = own("clock: {duration: 1h}\n", tmp_path)
    lacking = {
        "multiple": "confirmed",  # a price that stands still: nothing is off
        "costs": "no holder bought or sold a token",
        "redemption": "no request to create or redeem was settled",
        "split": "no issuer declares a reverse split",
        "target": "no token rebalanced",
        "exposure": "no token with a leverage above 1 or below 0 rebalanced",
        "violent": "no two tokens of one rule stand on indices of different volatility",
        "choppy": "no token rebalanced on a coin that went up and down",
        "perp": "it takes a study",
        "liquidation": "it takes a study",
    }
    for word, why in lacking.items():
        found = verdict(still, word)
        assert found.outcome == ("confirmed" if why == "confirmed" else "undecided"), word
        assert why == "confirmed" or why in found.sentence


def test_every_claim_judges_a_run_without_tokens(tmp_path: Path) -> None:
    empty = own("clock: {duration: 10min}\ntokens: [{id: BTC3L, delete: true}, {id: BTC3S, delete: true}]\n", tmp_path)
    outcomes = {word: verdict(empty, word).outcome for word in all_claims()}
    assert outcomes.pop("spot") == "refuted"
    assert set(outcomes.values()) == {"undecided"}


def test_a_scenario_that_names_no_claim_is_no_evidence(tmp_path: Path) -> None:
    path = run("base/costless", tmp_path)
    with pytest.raises(ResultError, match="names no claim; `claim:` in its scenario does, one of basket, choppy"):
        verdict(path)
    with pytest.raises(UsageError, match="there is no claim 'no-such'"):
        verdict(path, "no-such")
    assert verdicts(tmp_path) == {}


def test_a_claim_that_is_none_is_refused_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(
        ScenarioError, match=r"4:8: claim: there is no such claim; was 'multipel'.*did you mean 'multiple'"
    ):
        own("\nclaim: multipel\n", tmp_path)


def test_the_claim_is_no_part_of_the_world(tmp_path: Path) -> None:
    named, unnamed = (ms.load("marketsim:claim-flat"), ms.load("marketsim:claim-flat", set={"claim": "null"}))
    assert (named.claim, unnamed.claim) == ("flat", None)
    assert named.sha256() == unnamed.sha256()


def test_the_page_of_a_run_begins_with_its_verdict(tmp_path: Path) -> None:
    path = ms.run(SCENARIOS / "claims/flat.yaml", out=tmp_path).path
    text = (path / "report.html").read_text(encoding="utf-8")
    assert "<strong>Claim: conditional.</strong> Not through rebalancing" in text


def test_every_shipped_claim_is_put_to_the_test_by_a_scenario() -> None:
    named = {ms.load(path).claim for path in (SCENARIOS / "claims").glob("*.yaml")}
    assert named == set(all_claims())
    assert [row[0] for row in listing()] == sorted(all_claims())


def test_a_claim_without_a_word_or_a_question_is_refused() -> None:
    with pytest.raises(TypeError, match="no `name` of its own"):

        @CLAIMS.register
        class Nameless(RunClaim):
            """Is it so?"""

            def judge(self, run: Run) -> Evaluation:
                return Evaluation("confirmed", "It is.", {})


def test_shares_of_paths_have_the_exact_interval() -> None:
    # 0 of 10: 1 - 0.025^(1/10) = 0.3085; 9 of 10: 0.5550, 0.9975 (Clopper and Pearson 1934)
    assert PathShare(0, 10).ends == pytest.approx((0.0, 0.3085), abs=1e-4)
    assert PathShare(9, 10).ends == pytest.approx((0.5550, 0.9975), abs=1e-4)
    assert str(PathShare(9, 10)) == "90% [55, 100]"


PERP = """
title: A perpetual costs less
claim: perp
clock: {duration: 2h}
underlyings: [{id: BTC, index: {kind: gbm, price: 30000 USDT, volatility: 70%/yr, every: 1min}}]
markets: [{id: BTC-PERP, fees: {maker: 2 bps, taker: 5 bps}, mark: {every: 1min}}]
tokens: [{id: BTC3S, delete: true}]
record: {marks: 10min}
study:
  arms: [factual]
  replications: 3
  measures: [rebalances_per_day]
  compare_holding: [{as: perp, leverage: 5, match: notional}]
"""


def test_most_is_a_share_of_paths_counted_by_hand(tmp_path: Path) -> None:
    """In two hours nothing but buying and selling costs: 2 x 10 bps for the token, 2 x 3 x 5 bps for the perpetual."""
    path = tmp_path / "mine.yaml"
    path.write_text(f"extends: marketsim:costless\nname: mine\n{PERP}", encoding="utf-8")
    study = ms.sweep(path, out=tmp_path / "out", workers=1)
    (found,) = verdicts(tmp_path / "out").values()
    assert (found.word, found.outcome) == ("perp", "undecided")  # three paths: 0 of 3 may still be most of all
    assert found.figures["cell0_token_cost"] == pytest.approx(0.0020, abs=1e-9)
    assert found.figures["cell0_perp_cost"] == pytest.approx(0.0030, abs=1e-6)
    assert found.figures["cell0_costs_less"] == 0
    assert "as declared: it costs less on 0% [0, 71] of 3 paths (30 bps, the token 20)" in found.sentence
    assert verdict(study, "flat").sentence == "It cannot be told: it takes one run."
    assert "<strong>Claim: undecided.</strong> With fees" in (study.path / "report.html").read_text(encoding="utf-8")
    held = study.read("holding.parquet").with_columns(pl.lit("capital").alias("match"))
    held.write_parquet(study.path / "holding.parquet")
    assert PerpClaim().judge(study).outcome == "undecided"
