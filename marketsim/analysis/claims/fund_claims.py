"""Evaluators of claims about a fund's holdings: what its multiple is made of, and whether it keeps its leverage."""

from __future__ import annotations

from marketsim.analysis.claims.evaluation import (
    LOTS_ROUNDING,
    Evaluation,
    Outcome,
    daily_returns,
    nav_of,
    price_of,
    rebalance_count,
    targets_of,
)
from marketsim.datasets.run import Run
from marketsim.units import NS_PER_DAY

_EARNED = ("index_atoms", "basis_atoms")


def basket(run: Run) -> Evaluation:
    """Did a fund earn only what its perpetuals earned, and each day the sum of target times return over its legs?"""
    legs = run.table("token_legs")
    coins = {market: daily_returns(price_of(run, market)) for market in sorted(set(legs["market"].to_list()))}
    figures: dict[str, float] = {}
    others, errors = [], []
    for token in sorted(targets_of(run)):
        rows = run.table("attribution").filter(token=token)
        total = {name: sum(rows[name].to_list()) for name in (*_EARNED, "opening_atoms", "closing_atoms")}
        made = total["closing_atoms"] - total["opening_atoms"]
        others.append(abs(made - sum(total[name] for name in _EARNED)))
        targets = dict(legs.filter(token=token, t_ns=0).select("market", "target_leverage").iter_rows())
        returns = daily_returns(nav_of(run, token))
        owed = [sum(target * coins[market][day] for market, target in targets.items()) for day in range(len(returns))]
        errors += [abs(got - due) for got, due in zip(returns, owed, strict=True)]
        figures |= {f"{token}_made_atoms": float(made), f"{token}_legs": float(len(targets))}
    figures |= {"not_from_perpetuals_atoms": float(max(others)), "largest_daily_error": max(errors)}
    holds = not max(others) and max(errors) <= LOTS_ROUNDING
    sentence = (
        f"Holds, before costs: of what funds of {min(coins)} and {max(coins)} earned, {max(others):,.0f} atoms came "
        "from anything but their perpetuals, and each day's return was the sum of target times return over the legs of "
        f"the basket (largest error {max(errors):.0e}), for one leg, for two, and for one long with one short. A fund "
        "holds cash and perpetuals, and none of the coin."
    )
    return Evaluation("confirmed" if holds else "refuted", sentence, figures)


def target(run: Run) -> Evaluation:
    """Is a token's leverage equal to its target: after each reset, and at all times in between?"""
    figures: dict[str, float] = {}
    after, between = [], []
    for token, wanted in targets_of(run).items():
        rows = run.table("tokens").filter(token=token).sort("t_ns")
        seen = dict(rows.select("t_ns", "leverage").iter_rows())
        figures |= {f"{token}_least": min(seen.values(), key=abs), f"{token}_largest": max(seen.values(), key=abs)}
        if rebalance_count(run, token):
            after += [abs(value - wanted) for t_ns, value in seen.items() if t_ns % NS_PER_DAY == 0]
            between += [abs(value - wanted) for value in seen.values()]
        else:
            figures[f"{token}_at_the_end"] = seen[max(seen)]
    figures |= {"largest_error_after_a_reset": max(after), "largest_error": max(between)}
    outcome: Outcome = "refuted" if max(after) > 1e-5 else "confirmed" if max(between) <= 1e-5 else "conditional"
    sentence = (
        f"Holds right after each reset (largest error {max(after):.0e}), but not between resets: leverage drifts to "
        f"L (1 + r) / (1 + L r), for the +3 token from {figures['BTC3L_least']:.2f} after a rise of 20 % to "
        f"{figures['BTC3L_largest']:.2f} after a fall of 10 %, for the -3 token from {figures['BTC3S_least']:.2f} to "
        f"{figures['BTC3S_largest']:.2f}. One that never rebalanced ended at {figures['HELD_at_the_end']:.2f}."
    )
    return Evaluation(outcome, sentence, figures)
