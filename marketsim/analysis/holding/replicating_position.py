"""A replicating perpetual position: an account that holds a perpetual at recorded prices and moves none of them.

It buys at the ask and sells at the bid (at the mark where the side is empty), pays the taker fee and funding, and has a
margin account of its own; cash outside that account cannot be lost. When its equity at the mark is below maintenance
margin (docs/venues.md#liquidation-engines) the venue closes all of it at the quote, no worse than the bankruptcy price,
and takes the liquidation fee, instead of the taker's, out of what is left. Margin beyond the cash is borrowed, at
simple interest for as long as the debt lasts: once the position is closed, what its account has left pays it back. Cash
that is not needed earns nothing, like a holder's. A stop closes it once mark or quote has
moved against its average entry by the stop's share. Both are checked at the instants of the tape; a gap over both is a
liquidation. All amounts are whole atoms.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np

from marketsim.analysis.arrays import Flags
from marketsim.analysis.holding.perpetual_tape import PerpTerms, Tape
from marketsim.scenario.study.position import PerpetualPositionSpec
from marketsim.units import NS_PER_YEAR
from marketsim.venues.contract import trading_fee_atoms
from marketsim.venues.liquidation import liquidation_fee_atoms, liquidation_limit_ticks
from marketsim.venues.margin import initial_margin_atoms, liquidation_trigger_ticks
from marketsim.venues.payoffs import equity_atoms, notional_atoms


def wanted_notional_atoms(spec: PerpetualPositionSpec, cash_atoms: int, token_leverage: Fraction) -> int:
    """Notional of the position that replicates cash put into a token of that target leverage [atoms]."""
    if spec.match == "notional":
        return floor(cash_atoms * abs(token_leverage))
    if spec.match == "max_loss" and spec.stop_loss is not None:
        return floor(cash_atoms / Fraction(spec.stop_loss))
    return floor(cash_atoms * Fraction(spec.leverage))


@dataclass(slots=True)
class ReplicatingPosition:
    """One position on one tape. side: +1 long, -1 short; call `advance` before anything else at an instant.

    cash_atoms: its margin account, fills at their price. idle_atoms: cash beside it, negative where the position needs
    more margin than was put into the token. paid_out_atoms: what was handed back so far. interest_atoms: paid for what
    was borrowed.
    """

    spec: PerpetualPositionSpec
    tape: Tape
    terms: PerpTerms
    side: int
    cash_atoms: int = 0
    idle_atoms: int = 0
    paid_out_atoms: int = 0
    lots: int = 0
    entry_tick_lots: int = 0
    opened_atoms: int = 0
    margin_atoms: int = 0
    fees_atoms: int = 0
    liquidation_fees_atoms: int = 0
    funding_atoms: int = 0
    interest_atoms: int = 0
    stopped_ns: int | None = None
    liquidated_ns: int | None = None
    _seen: int = 0
    _settled: int = 0
    _charged_ns: int = 0

    def advance(self, t_ns: int, *, inclusive: bool = False) -> None:
        """Play the tape to t_ns: prices before it (`inclusive`: and at it), funding settlements before and at it."""
        was_open = self.lots != 0
        while self._settled < len(self.tape.funding) and self.tape.funding[self._settled][0] <= t_ns:
            due_ns, atoms = self.tape.funding[self._settled]
            self._watch(int(np.searchsorted(self.tape.t_ns, due_ns)))
            self.cash_atoms -= self.lots * atoms
            self.funding_atoms -= self.lots * atoms
            self._settled += 1
        self._watch(int(np.searchsorted(self.tape.t_ns, t_ns, side="right" if inclusive else "left")))
        if was_open and not self.lots:
            closed_ns = max(self.stopped_ns or 0, self.liquidated_ns or 0)
            self._charge_interest(closed_ns, -self.idle_atoms)
        margin_atoms = 0 if self.lots else self.cash_atoms
        self._charge_interest(t_ns, -self.idle_atoms - margin_atoms)

    def put_in(self, t_ns: int, cash_atoms: int, token_leverage: Fraction) -> None:
        """Open the position that replicates cash put into the token, or add to it."""
        price = self._quote(self.tape.at(t_ns), self.side)
        wanted = wanted_notional_atoms(self.spec, cash_atoms, token_leverage)
        lots = wanted // (price * self.terms.atoms_per_tick_lot)
        notional = notional_atoms(lots, price, self.terms.atoms_per_tick_lot)
        if self.spec.match == "capital" or (self.spec.match == "max_loss" and self.spec.stop_loss is None):
            margin = cash_atoms
        else:
            margin = ceil(notional / Fraction(self.spec.leverage))
        margin = max(margin, initial_margin_atoms(notional, self.terms.tiers))
        self.idle_atoms += cash_atoms - margin
        self.cash_atoms += margin
        self.margin_atoms += margin
        self.opened_atoms += notional
        self.entry_tick_lots += lots * price
        self._trade(self.side * lots, price, self.terms.taker_parts)

    def take_out(self, t_ns: int, share: Fraction) -> None:
        """Close a share of the position and hand back that share of all cash."""
        if self.lots:
            closing = floor(abs(self.lots) * share)
            self.entry_tick_lots -= floor(Fraction(self.entry_tick_lots * closing, abs(self.lots)))
            i = self.tape.at(t_ns)
            self._trade(-self.side * closing, self._quote(i, -self.side), self.terms.taker_parts)
            part = floor(self._equity(i) * share)
        else:
            part = floor(self.cash_atoms * share)
        beside = floor(self.idle_atoms * share)
        self.cash_atoms -= part
        self.idle_atoms -= beside
        self.paid_out_atoms += part + beside

    def _charge_interest(self, t_ns: int, debt_atoms: int) -> None:
        """Charge what a debt cost since the last time, rounded down to the atom."""
        elapsed_ns, self._charged_ns = t_ns - self._charged_ns, t_ns
        interest = floor(max(debt_atoms, 0) * Fraction(self.spec.borrow_rate) * elapsed_ns / NS_PER_YEAR)
        self.idle_atoms -= interest
        self.interest_atoms += interest

    def wealth_atoms(self) -> int:
        """Everything it has and has handed back, the position at the mark last seen [atoms]."""
        return self.paid_out_atoms + self.idle_atoms + self._equity(max(self._seen - 1, 0))

    def _equity(self, i: int) -> int:
        return equity_atoms(self.cash_atoms, self.lots, int(self.tape.mark[i]), self.terms.atoms_per_tick_lot)

    def _quote(self, i: int, side: int) -> int:
        """Price [ticks] at which it buys (+1) or sells (-1) at index i of the tape."""
        return int((self.tape.ask if side > 0 else self.tape.bid)[i]) or int(self.tape.mark[i])

    def _trade(self, lots: int, price_ticks: int, taker_parts: int) -> None:
        k = self.terms.atoms_per_tick_lot
        fee = trading_fee_atoms(notional_atoms(lots, price_ticks, k), taker_parts)
        self.cash_atoms -= lots * price_ticks * k + fee
        self.fees_atoms += fee
        self.lots += lots

    def _watch(self, end: int) -> None:
        """Check the instants before index `end` for a stop or a liquidation."""
        begin, self._seen = self._seen, max(end, self._seen)
        if not self.lots or begin >= end:
            return
        mark = self.tape.mark[begin:end] * self.side
        trigger = liquidation_trigger_ticks(self.cash_atoms, self.lots, self.terms.atoms_per_tick_lot, self.terms.tiers)
        ruined = np.zeros(end - begin, bool) if trigger is None else mark <= self.side * trigger
        stopped = self._beyond_stop(begin, end)
        met = ruined | stopped
        if not met.any():
            return
        i = int(met.argmax())
        if ruined[i]:
            self._liquidate(begin + i)
        else:
            self._stop(begin + i)

    def _beyond_stop(self, begin: int, end: int) -> Flags:
        if self.spec.stop_loss is None:
            return np.zeros(end - begin, bool)
        entry = Fraction(self.entry_tick_lots, abs(self.lots))
        level = entry * (1 - self.side * Fraction(self.spec.stop_loss))
        bound = self.side * (floor(level) if self.side > 0 else ceil(level))
        quote = (self.tape.bid if self.side > 0 else self.tape.ask)[begin:end]
        met: Flags = (self.tape.mark[begin:end] * self.side <= bound) | ((quote > 0) & (quote * self.side <= bound))
        return met

    def _stop(self, i: int) -> None:
        self._trade(-self.lots, self._quote(i, -self.side), self.terms.taker_parts)
        self.cash_atoms = max(self.cash_atoms, 0)  # limited liability: the insurance fund's loss
        self.entry_tick_lots = 0
        self.stopped_ns = int(self.tape.t_ns[i])

    def _liquidate(self, i: int) -> None:
        k = self.terms.atoms_per_tick_lot
        limit = liquidation_limit_ticks(self.cash_atoms, self.lots, k)
        quote = self._quote(i, -self.side)
        price = max(quote, limit) if self.side > 0 else min(quote, limit)
        notional = notional_atoms(self.lots, price, k)
        self._trade(-self.lots, price, 0)
        self.cash_atoms = max(self.cash_atoms, 0)
        fee = liquidation_fee_atoms(notional, self.terms.liquidation_parts, self.cash_atoms)
        self.cash_atoms -= fee
        self.liquidation_fees_atoms += fee
        self.entry_tick_lots = 0
        self.liquidated_ns = int(self.tape.t_ns[i])
