"""Claim `flat`: NAV decays even where the price does not move."""

from __future__ import annotations

from marketsim.analysis.claims.family import CLAIMS, Evaluation, Outcome, RunClaim, undecided
from marketsim.analysis.claims.readings import (
    growth,
    in_bps,
    legs_of,
    listed,
    named,
    nav_of,
    parts_of,
    price_of,
    rebalance_count,
    targets_of,
    whole_days,
)
from marketsim.datasets.run import Run

_CHARGES = {
    "management_fee": "management fee", "funding": "funding", "trading_fee": "trading fees", "slippage": "slippage",
}  # fmt: skip


@CLAIMS.register
class FlatClaim(RunClaim):
    """Does NAV fall where the price does not move: through rebalancing alone, or through what is charged?"""

    name = "flat"

    def judge(self, run: Run) -> Evaluation:
        """Confirmed where NAV falls by more than it is charged, conditional where charges are all of it."""
        still = [token for token in targets_of(run) if not _moved(run, token)]
        if not still:
            return undecided("every index moved")
        figures: dict[str, float] = {}
        told = []
        for token in still:
            rows, parts = run.table("attribution").filter(token=token), parts_of(run, token)
            beside = sum(sum(rows[f"{name}_atoms"].to_list()) for name in ("index", "basis"))
            figures |= {f"{token}_return": growth(nav_of(run, token)), f"{token}_beside_charges_atoms": float(beside)}
            figures[f"{token}_rebalances"] = float(rebalance_count(run, token))
            by = listed(f"{words} {in_bps(parts[name])}" for name, words in _CHARGES.items() if parts[name])
            told.append(
                f"{named(token, targets_of(run)[token])} {in_bps(figures[f'{token}_return'])} ({by or 'no charge'})"
            )
        beside_charges = [figures[f"{token}_beside_charges_atoms"] for token in still]
        if any(beside_charges):
            least, most = min(beside_charges), max(beside_charges)
            outcome: Outcome = "confirmed" if least < 0 else "refuted"
            by_itself = f"Equity changed by {least if least < 0 else most:,.0f} atoms beside what was charged"
            return Evaluation(outcome, f"{by_itself}: {listed(told)}.", figures)
        falls = [figures[f"{token}_return"] < 0 for token in still]
        rebalances = sum(figures[f"{token}_rebalances"] for token in still)
        sentence = (
            f"Not through rebalancing: where the price stood still, {rebalances:,.0f} rebalances changed equity by 0 "
            f"atoms beside what was charged. Only through that, in {whole_days(run)} days: {listed(told)}."
        )
        return Evaluation("conditional" if any(falls) else "refuted", sentence, figures)


def _moved(run: Run, token: str) -> bool:
    """Whether an index of its legs ever stood elsewhere than in the beginning."""
    return any(len(set(price_of(run, market).values())) > 1 for market in legs_of(run, token))
