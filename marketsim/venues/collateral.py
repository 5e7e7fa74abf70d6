"""Collateral: what of an account's equity nothing ties up, and whether an account may take a position over.

The kernel asks the same of an order (`kernel.margin.committed_atoms`): every perpetual at the larger side of what is
held and rests there, at its mark and the highest leverage of its tier; resting bids of spot markets at their price and
fee. Coins and units held are no collateral (ARCHITECTURE D30).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from marketsim.kernel.codes import ACC_NO_MARGIN, ACC_NO_TIERS, SPOT
from marketsim.kernel.world import World
from marketsim.venues.contract import trading_fee_atoms
from marketsim.venues.margin import TierTable, initial_margin_atoms


class Collateral:
    """Reads accounts' free equity; markets: the kernel's numbers, tiers: of perpetuals by market id."""

    def __init__(self, world: World, markets: Mapping[str, int], tiers: Mapping[str, TierTable]) -> None:
        self._world = world
        self._markets = markets
        self._tiers = {number: tiers[market] for market, number in markets.items() if market in tiers}

    def free_atoms(self, account: int, taken_lots: Mapping[str, int] | None = None) -> int:
        """Equity at mark less what is tied up [atoms]; taken_lots: positions to be taken over at their marks besides.

        An account without margin is never short of collateral: its cash may be any number, so what it may spend is
        without bound.
        """
        record, world = self._world.accounts[account], self._world
        bits = int(record["bits"])
        if bits & ACC_NO_MARGIN:
            return UNBOUNDED_ATOMS
        free = int(record["cash_atoms"])
        taken = {self._markets[market]: lots for market, lots in (taken_lots or {}).items()}
        i = int(record["first_position"])
        while i >= 0:
            position = world.positions[i]
            number = int(position["market"])
            if world.market_int(number, "kind") == SPOT:
                free -= self._reserved_atoms(record, world.spot_positions[i])
            else:
                worth = world.market_int(number, "mark_ticks") * world.market_int(number, "atoms")
                lots = int(position["lots"])
                free += lots * worth
                if not bits & ACC_NO_TIERS:
                    held = lots + taken.get(number, 0)
                    most = max(abs(held), held + int(position["open_buy"]), int(position["open_sell"]) - held)
                    free -= initial_margin_atoms(most * worth, self._tiers[number])
            i = int(position["sibling"])
        return free

    def _reserved_atoms(self, account: Any, position: Any) -> int:
        """Cash that the resting bids of a spot position tie up: their price and the dearer fee."""
        number, cohort = int(position["market"]), self._world.cohorts[int(account["cohort"])]
        fees = cohort if cohort["own_fees"] else self._world.markets[number]
        rate = max(0, int(fees["taker_fee"]), int(fees["maker_fee"]))
        cost = int(position["reserved_ticklots"]) * self._world.market_int(number, "atoms")
        return cost + trading_fee_atoms(cost, rate)

    def position_lots(self, account: int, market: str) -> int | None:
        """Position of an account in a market; None where it may hold none."""
        record = self._world.position_record(account, self._markets[market])
        return None if record < 0 else int(self._world.positions[record]["lots"])


UNBOUNDED_ATOMS = 2**62
"""What an account without margin may spend: all there is."""
