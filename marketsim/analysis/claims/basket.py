"""Claim `basket`: the multiple is made by a basket of perpetuals."""

from __future__ import annotations

from marketsim.analysis.claims.family import CLAIMS, Evaluation, RunClaim, undecided
from marketsim.analysis.claims.readings import (
    ROUNDING,
    between_resets,
    charges_of,
    legs_of,
    listed,
    nav_of,
    price_of,
    returns_over,
    targets_of,
)
from marketsim.datasets.run import Run

_EARNED = ("index_atoms", "basis_atoms")
_CHARGED = ("funding_atoms", "management_fee_atoms", "trading_fee_atoms", "slippage_atoms", "primary_atoms")


@CLAIMS.register
class BasketClaim(RunClaim):
    """Did a fund earn only what its perpetuals did, from reset to reset the targets times the returns of its legs?"""

    name = "basket"

    def judge(self, run: Run) -> Evaluation:
        """Refuted where anything else earned an atom, or a return is off by more than rounding and charges."""
        if not targets_of(run):
            return undecided("there is no token")
        figures: dict[str, float] = {}
        others, errors, holds, markets = [], [], [], set[str]()
        for token in sorted(targets_of(run)):
            rows, legs = run.table("attribution").filter(token=token), legs_of(run, token)
            total = {name: sum(rows[name].to_list()) for name in (*_EARNED, *_CHARGED)}
            made = sum(rows["closing_atoms"].to_list()) - sum(rows["opening_atoms"].to_list())
            others.append(abs(made - sum(total.values())))
            cuts = between_resets(run, token)
            coins = {market: returns_over(price_of(run, market), cuts) for market in legs}
            owed = [sum(target * coins[market][i] for market, target in legs.items()) for i in range(len(cuts))]
            off = [abs(got - due) for got, due in zip(returns_over(nav_of(run, token), cuts), owed, strict=True)]
            errors.append(max(off))
            holds.append(max(off) <= ROUNDING + charges_of(run, token) and not others[-1])
            markets |= set(legs)
            figures |= {f"{token}_made_atoms": float(made), f"{token}_legs": float(len(legs))}
        figures |= {"not_from_perpetuals_atoms": float(max(others)), "largest_daily_error": max(errors)}
        sentence = (
            f"{'Holds' if all(holds) else 'Does not hold'}, before costs: of what funds of {listed(sorted(markets))} "
            f"earned, {max(others):,.0f} atoms came from anything but their perpetuals, and from reset to reset NAV "
            f"returned the sum of target times return over the legs of the basket (largest error {max(errors):.0e}). A "
            "fund holds cash and perpetuals, and none of the coin."
        )
        return Evaluation("confirmed" if all(holds) else "refuted", sentence, figures)
