"""Claims: what of a fund's account is a client's and not the holders', while the hedge of a request is worked.

A creation at the hedge's price has paid in, and has no units yet; a redemption has given up its units, and is not paid
yet. Holders own the equity less all claims: that is what NAV is made of, so nobody's NAV moves while a request waits.

Over fills of n lots at p, with P the present mark, P0 the mark of dealing and r the lots still to be traded:

- a creation is worth what it paid in and what its hedge has earned: base - fees + k sum n (P - p);
- a redemption what it was owed and what its hedge, done at P0, would have saved: base - fees + k sum n (P0 - p) + k r
  (P0 - P).

Then the holders' equity is at every instant what it would be had the hedge cost nothing: E - worth = E0 + k q (P - P0),
with E0 theirs at dealing and q the position then, less for a redemption what is to be sold. Derived from the ledger
equity = cash + k q P; checked in `tests/issuers/test_settlement.py`. A claim that bears no costs is its base.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from marketsim.issuers.fund.token import LegTerms
from marketsim.messages import Fill


@dataclass(slots=True)
class Claim:
    """A client's part of a fund. base_atoms: paid in, or owed at dealing.

    dealt_ticks: marks at dealing by market, of a redemption; None for a creation. remaining_lots: still to be traded.
    """

    base_atoms: int
    dealt_ticks: Mapping[str, int] | None
    bears_costs: bool
    fees_atoms: int = 0
    remaining_lots: dict[str, int] = field(default_factory=dict)
    lots: dict[str, int] = field(default_factory=dict)
    tick_lots: dict[str, int] = field(default_factory=dict)

    def expect(self, lots: Mapping[str, int]) -> None:
        """Take over what its hedge is to trade."""
        if self.bears_costs:
            self.remaining_lots = dict(lots)

    def book(self, market: str, fills: Sequence[Fill]) -> None:
        """Enter fills of the hedge."""
        if not self.bears_costs:
            return
        for fill in fills:
            self.remaining_lots[market] -= fill.lots
            self.lots[market] = self.lots.get(market, 0) + fill.lots
            self.tick_lots[market] = self.tick_lots.get(market, 0) + fill.lots * fill.price_ticks
            self.fees_atoms += fill.fee_atoms

    def exposure_lots(self, market: str) -> int:
        """Lots that the claim's worth moves with: a creation's hedge so far, a redemption's still to be sold."""
        if self.dealt_ticks is None:
            return self.lots.get(market, 0)
        return -self.remaining_lots.get(market, 0)

    def hedge_lots(self, market: str) -> int:
        """Lots that a creation's hedge comes to once it is done: no position of the holders'. None of a redemption."""
        is_creation = self.dealt_ticks is None
        return self.lots.get(market, 0) + self.remaining_lots.get(market, 0) if is_creation else 0

    def worth_atoms(self, legs: Sequence[LegTerms], mark_ticks: Mapping[str, int]) -> int:
        """What the claim is worth at the present marks [atoms]."""
        gain = 0
        for leg in legs:
            market, now = leg.market, mark_ticks[leg.market]
            valued_at = now if self.dealt_ticks is None else self.dealt_ticks[market]
            waiting = self.remaining_lots.get(market, 0) * (valued_at - now)
            traded = self.lots.get(market, 0) * valued_at - self.tick_lots.get(market, 0)
            gain += leg.atoms_per_tick_lot * (waiting + traded)
        return self.base_atoms - self.fees_atoms + gain


def slippage_atoms(fills: Sequence[Fill], atoms_per_tick_lot: int) -> int:
    """What fills cost against the marks of their instants, fees apart [atoms]: k sum n (p - M)."""
    return atoms_per_tick_lot * sum(fill.lots * (fill.price_ticks - fill.mark_ticks) for fill in fills)


def cost_atoms(fills: Sequence[Fill], atoms_per_tick_lot: int) -> int:
    """What fills cost against the marks of their instants, fees included [atoms]."""
    return slippage_atoms(fills, atoms_per_tick_lot) + sum(fill.fee_atoms for fill in fills)
