"""Claim `costs`: tokens cost trading fees, a management fee and the perpetuals' funding."""

from __future__ import annotations

import polars as pl

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, RunClaim, undecided
from marketsim.analysis.claims.readings import in_bps, listed, named, parts_of, targets_of, whole_days
from marketsim.datasets.run import Run

_PARTS = ("trading_fee", "management_fee", "funding")


@CLAIMS.register
class CostsClaim(RunClaim):
    """What do holders pay for trading a token, and what do management fee and funding take a day, from whom?"""

    name = "costs"

    def judge(self, run: Run) -> Evaluation:
        """Trading fees are those of holders who buy and sell; the fund's own, for its rebalances, stand beside.

        Conditional where one of the three is paid by some tokens and received by others.
        """
        if not targets_of(run):
            return undecided("there is no token")
        figures: dict[str, float] = {}
        own = _own_fee(run)
        if own is None:
            return undecided("no holder bought or sold a token, so none paid a trading fee")
        figures["trading_fee"] = own
        for token in targets_of(run):
            daily = {name: share / whole_days(run) for name, share in parts_of(run, token).items()}
            figures |= {f"{token}_{part}_per_day": daily[part] for part in _PARTS}
            figures[f"{token}_index_per_day"] = daily["index"]
        management, funding = (
            [value for name, value in figures.items() if f"_{part}_per" in name]
            for part in ("management_fee", "funding")
        )
        charged = own > 0 and max(management) < 0
        if not charged or min(funding) >= 0:
            outcome: Outcome = "refuted"
        else:
            outcome = "confirmed" if max(funding) < 0 else "conditional"
        told = [
            f"{named(token, target)} {in_bps(figures[f'{token}_management_fee_per_day'])} for management, "
            f"{in_bps(figures[f'{token}_funding_per_day'])} of funding, and inside the fund "
            f"{in_bps(figures[f'{token}_trading_fee_per_day'])} for its rebalances"
            for token, target in targets_of(run).items()
        ]
        received = ", and funding is received by the side that the others pay" if max(funding) > 0 else ""
        sentence = (
            f"{'Does not hold' if outcome == 'refuted' else 'Holds'}: whoever bought or sold a token paid {own:.2%} "
            f"for it; a day {listed(told)}{received}. What positions made or lost by the index, decay among it, is no "
            "charge and stands beside."
        )
        return Evaluation(outcome, sentence, figures)


def _own_fee(run: Run) -> float | None:
    """What was charged to those who hold and make no market, of the money they traded or dealt; None without any."""
    makers = [group["id"] for group in run.resolved["traders"] if group["kind"] == "token_maker"]
    rows = run.table("holders").filter(~pl.col("cohort").is_in(makers))
    fees = sum(sum(rows[f"{kind}_fee_atoms"].to_list()) for kind in ("trading", "create", "redeem"))
    traded = sum(rows["bought_atoms"].to_list()) + sum(rows["sold_atoms"].to_list())
    return fees / traded if traded else None
