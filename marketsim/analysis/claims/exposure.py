"""Claim `exposure`: more exposure after a rise and less after a fall, and the mirror image for short tokens."""

from __future__ import annotations

from itertools import pairwise

from marketsim.analysis.claims.family import CLAIMS, Evaluation, NotRecordedError, Outcome, RunClaim, undecided
from marketsim.analysis.claims.readings import (
    legs_of,
    listed,
    named,
    price_of,
    resets_of,
    returns_over,
    targets_of,
)
from marketsim.datasets.run import Run


@CLAIMS.register
class ExposureClaim(RunClaim):
    """Do tokens buy after a rise and sell after a fall, back to their target, with short ones mirroring long ones?"""

    name = "exposure"

    def judge(self, run: Run) -> Evaluation:
        """Confirmed where all tokens with a leverage above 1 or below 0 do at every reset."""
        figures: dict[str, float] = {}
        follows, told = [], []
        for token, target in targets_of(run).items():
            if len(legs_of(run, token)) > 1 or not resets_of(run, token):
                continue
            orders, moves = _orders_and_moves(run, token)
            with_move = [lots * move > 0 for lots, move in zip(orders, moves, strict=True)]
            if not 0 <= target <= 1:
                follows.append(all(with_move))
            figures |= {f"{token}_target": target, f"{token}_orders_with_the_move": float(sum(with_move))}
            opening = _opening_lots(run, token)
            if opening:
                figures[f"{token}_first_order_of_equity"] = orders[0] / opening * abs(target)
            told.append(f"{named(token, target)} {sum(with_move)} of {len(with_move)} orders with the move")
        if not follows:
            return undecided("no token with a leverage above 1 or below 0 rebalanced")
        outcome: Outcome = "confirmed" if all(follows) else "conditional" if any(follows) else "refuted"
        sentence = (
            f"{'Holds' if all(follows) else 'Does not hold throughout'} for a leverage above 1 or below 0 "
            f"({sum(follows)} of {len(follows)} such tokens): long tokens hold more coins after a rise and fewer after "
            "a fall, short ones are short fewer after a rise and more after a fall, so all of them buy after a rise "
            f"and sell after a fall. {listed(told)}."
        )
        return Evaluation(outcome, sentence, figures)


def _orders_and_moves(run: Run, token: str) -> tuple[list[int], list[float]]:
    """What was ordered at each reset [lots], and the coin's return since the reset before."""
    (market,) = legs_of(run, token)
    rows = run.table("rebalances").filter(token=token).sort("t_decide_ns")
    orders = rows.unique("t_decide_ns", keep="first", maintain_order=True)["target_lots"].to_list()
    ends = [0, *resets_of(run, token)]
    return orders, returns_over(price_of(run, market), pairwise(ends))


def _opening_lots(run: Run, token: str) -> float:
    """How large its position was when the run began: 0 of a fund that began empty."""
    held = run.table("token_legs").filter(token=token).sort("t_ns")
    if held.is_empty():
        raise NotRecordedError(f"no position of {token} was recorded (record.tokens)")
    return abs(float(held["position_lots"][0]))
