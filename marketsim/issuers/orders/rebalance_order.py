"""A parent order of a rebalance: why it was decided, what came after it, what it cost; a row of table `rebalances`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from marketsim.issuers.fund.nav import real
from marketsim.issuers.orders.parent import NO_INSTANT, ParentOrder, Unfilled
from marketsim.issuers.policies.decision import PriceSource, RebalanceTrigger
from marketsim.messages import Purpose
from marketsim.units import NS_PER_SECOND

MIDS_AFTER = {"mid_1m": 60 * NS_PER_SECOND, "mid_10m": 600 * NS_PER_SECOND, "mid_1h": 3_600 * NS_PER_SECOND}
"""Columns of the mid some time after the last fill."""


@dataclass(frozen=True, slots=True)
class ResetTerms:
    """Why a rebalance was decided, and how the fund stood then.

    trigger_ticks: the price that its policy watched, None for a reset by the clock. position_before_lots: in this
    market, hedges under way counted as done; goal: signed leverage that the order leads to there. last_reset_ticks: the
    price of the last reset in this market; last_reset_equity_atoms: what the units outstanding now were worth there.
    """

    trigger: RebalanceTrigger
    price_source: PriceSource
    trigger_ticks: Fraction | None
    leverage_before: Fraction | None
    equity_before_atoms: int
    position_before_lots: int
    mark_ticks: Fraction
    goal: Fraction
    last_reset_ticks: Fraction
    last_reset_equity_atoms: int


@dataclass(slots=True)
class PostTrade:
    """What is measured of an order after its fills.

    volume_lots: what the market traded from the decision to the fill at measured_ns. mids: by column, in ticks.
    is_complete: whether nothing more is to be measured.
    """

    volume_lots: int = 0
    measured_ns: int = NO_INSTANT
    mids: dict[str, float | None] = field(default_factory=dict)
    leverage: Fraction | None = None
    is_complete: bool = False


@dataclass(slots=True, eq=False, kw_only=True)
class RebalanceOrder(ParentOrder):
    """One leg's order of a rebalance. is_withheld: an arm wrote it down and did not send it."""

    reset: ResetTerms
    after: PostTrade = field(default_factory=PostTrade)
    is_withheld: bool = False

    @property
    def purpose(self) -> Purpose:
        """A rebalance."""
        return Purpose.REBALANCE

    @property
    def reason(self) -> Unfilled | None:
        """Why part of it was never traded; None where all was."""
        if self.remaining_lots == 0 or self.is_withheld:
            return None
        if self.unfilled is not None:
            return self.unfilled
        if self.rest is not None and self.children.idle == 0 and not self.children.was_held_back:
            return Unfilled.CAP
        return Unfilled.PARTICIPATION if self.children.was_held_back else Unfilled.NO_LIQUIDITY

    @property
    def slippage_bps(self) -> float | None:
        """1e4 s (vwap / arrival - 1), s the sign of the target: a cost is positive (docs/contract.md#measures).

        Of an order that was sized anew and traded both ways: what its fills cost against arrival, per notional traded.
        """
        return self._cost_bps(self.fills.tick_lots, self.fills.lots, self.fills.gross_lots)

    @property
    def shortfall_bps(self) -> float | None:
        """Slippage with the unfilled part valued at the mid of the last fill, or of the end where nothing filled."""
        fills, left, missed_tick_lots = self.fills, self.remaining_lots, 0.0
        if left:
            if fills.last_mid is None:
                return None
            missed_tick_lots = left * fills.last_mid
        return self._cost_bps(fills.tick_lots + missed_tick_lots, self.wanted_lots, fills.gross_lots + abs(left))

    @property
    def status(self) -> str:
        """How it ended, a word of table `rebalances`."""
        if self.is_withheld:
            return "shadow"
        return "partial" if self.remaining_lots else "done"

    def _cost_bps(self, tick_lots: float, lots: int, gross_lots: int) -> float | None:
        """What signed lots cost against arrival, per lot traded either way; None where there is nothing to compare."""
        arrival = self.terms.arrival_mid
        if arrival is None or not gross_lots:
            return None
        if abs(lots) == gross_lots:
            return (1e4 if lots > 0 else -1e4) * (tick_lots / lots / arrival - 1)
        return 1e4 * (tick_lots / arrival - lots) / gross_lots

    def row(self) -> dict[str, Any]:
        """The row of table `rebalances`."""
        terms, reset, fills, after = self.terms, self.reset, self.fills, self.after
        return {
            "id": terms.id,
            "cohort": terms.token,
            "token": terms.token,
            "market": terms.market,
            "trigger": reset.trigger.word,
            "price_source": reset.price_source,
            "trigger_price": self.price(reset.trigger_ticks),
            "t_decide_ns": terms.decided_ns,
            "t_first_ns": fills.first_ns,
            "t_last_ns": fills.last_ns,
            "leverage_before": real(reset.leverage_before),
            "leverage_after": real(after.leverage),
            "equity_before_atoms": reset.equity_before_atoms,
            "position_before_lots": reset.position_before_lots,
            "mark_price": self.price(reset.mark_ticks),
            "goal_leverage": real(reset.goal),
            "last_reset_price": self.price(reset.last_reset_ticks),
            "last_reset_equity_atoms": reset.last_reset_equity_atoms,
            "target_lots": terms.target_lots,
            "filled_lots": fills.lots,
            "backlog_lots": self.remaining_lots,
            "arrival_mid": self.price(terms.arrival_mid),
            "vwap": self.price(fills.vwap),
            "slippage_bps": self.slippage_bps,
            "shortfall_bps": self.shortfall_bps,
            "fees_atoms": fills.fees_atoms,
            "market_volume_lots": after.volume_lots,
            "participation": fills.in_book_lots / after.volume_lots if after.volume_lots else None,
            "cross_lots": fills.cross_lots,
            **{column: self.price(after.mids.get(column)) for column in MIDS_AFTER},
            "children": self.children.sent,
            "status": self.status,
        }

    def backlog(self) -> dict[str, Any]:
        """What was never traded and why, as event `backlog` tells it."""
        told = {
            "id": self.terms.id, "market": self.market, "lots": self.remaining_lots, "reason": str(self.reason)
        }  # fmt: skip
        return {**told, "refusal": self.children.refusal} if self.unfilled is Unfilled.REJECTED else told


@dataclass(slots=True)
class RebalanceRegister:
    """Numbers the rebalance orders of all tokens, and writes their rows in that order, each once it is complete.

    accounts: the tokens' accounts, by which an order knows that another token took the other side. Orders decided at
    one instant, of whichever tokens, have one arrival mid, also where one is decided after another has traded.
    """

    add_row: Callable[..., None]
    accounts: set[int] = field(default_factory=set)
    _next_id: int = 0
    _next_row: int = 0
    _complete: dict[int, RebalanceOrder] = field(default_factory=dict)
    _arrivals: dict[str, tuple[int, float | None]] = field(default_factory=dict)

    def arrival_mid(self, market: str, t_ns: int, mid: float | None) -> float | None:
        """The mid [ticks] before the first order of an instant in a market; `mid` where this is the first."""
        known_ns, known = self._arrivals.get(market, (NO_INSTANT, None))
        if known_ns == t_ns:
            return known
        self._arrivals[market] = t_ns, mid
        return mid

    def next_id(self) -> int:
        """A number for a new order."""
        self._next_id += 1
        return self._next_id - 1

    def complete(self, order: RebalanceOrder) -> None:
        """Write the rows that are due now that this one is known."""
        self._complete[order.terms.id] = order
        while (known := self._complete.pop(self._next_row, None)) is not None:
            self.add_row("rebalances", **known.row())
            self._next_row += 1
