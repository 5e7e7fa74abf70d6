"""Units of a token whose own market the kernel keeps: holdings are the positions of that market."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from marketsim.errors import KernelError
from marketsim.kernel.world import World


class BookHoldings:
    """Units of one token by the kernel's account index [lots]; the market's supply moves with them.

    Every account that may hold units has a position in the token's market; raises `KernelError` for one that has none.
    """

    def __init__(self, world: World, market: int) -> None:
        self._world = world
        self._market = market

    @property
    def total_lots(self) -> int:
        """All units held."""
        return int(self._mine()["lots"].sum())

    def units_of(self, account: int) -> int:
        """Units of one account [lots], those it has put up for sale included."""
        record = self._world.position_record(account, self._market)
        return 0 if record < 0 else int(self._world.positions[record]["lots"])

    def free_of(self, account: int) -> int:
        """Units of one account that no order of its own has put up for sale [lots]."""
        record = self._world.position_record(account, self._market)
        if record < 0:
            return 0
        position = self._world.positions[record]
        return int(position["lots"] - position["open_sell"])

    def holders(self) -> Mapping[int, int]:
        """Units by account [lots, > 0], in the order of accounts."""
        mine = self._mine()
        mine = mine[mine["lots"] > 0]
        order = np.argsort(mine["account"], kind="stable")
        return {int(row["account"]): int(row["lots"]) for row in mine[order]}

    def create(self, account: int, lots: int) -> None:
        """Give an account new units."""
        self._change(account, lots)
        self._world.set_market(self._market, supply_lots=self._world.market_int(self._market, "supply_lots") + lots)

    def destroy(self, account: int, lots: int) -> None:
        """Take free units of an account out of the world; raises `KernelError` when it has not so many."""
        self._change(account, -lots)
        self._world.set_market(self._market, supply_lots=self._world.market_int(self._market, "supply_lots") - lots)

    def move(self, payer: int, receiver: int, lots: int) -> None:
        """Hand free units of one account to another."""
        self._change(payer, -lots)
        self._change(receiver, lots)

    def _mine(self) -> np.ndarray[tuple[int, ...], np.dtype[np.void]]:
        held = self._world.positions[: self._world.get("n_positions")]
        mine: np.ndarray[tuple[int, ...], np.dtype[np.void]] = held[held["market"] == self._market]
        return mine

    def _change(self, account: int, lots: int) -> None:
        record = self._world.position_record(account, self._market)
        if record < 0:
            raise KernelError(f"account {account} has no place for units in market {self._market}")
        position = self._world.positions[record]
        if lots < 0 and int(position["lots"] - position["open_sell"]) < -lots:
            raise KernelError(f"account {account} has not {-lots} free lots of the token of market {self._market}")
        self._world.accrue_stake(record)
        position["lots"] += lots
