"""The read-only view of markets and accounts that issuers and agents decide by: as things are at this very instant."""

from __future__ import annotations

from collections.abc import Mapping

from marketsim.clock import MarketEnvironment
from marketsim.errors import UsageError
from marketsim.kernel.codes import BOOK, NO_ASK, NO_BID
from marketsim.kernel.world import World


class View:
    """Markets by id, accounts by the kernel's index; ticks, lots, atoms. Nothing can be changed here."""

    def __init__(
        self,
        env: MarketEnvironment,
        world: World,
        markets: Mapping[str, int],
        positions: Mapping[tuple[int, str], int],
    ) -> None:
        self._env = env  # the kernel's own time is that of its last event
        self._world = world
        self._markets = markets
        self._positions = positions

    def has_book(self, market: str) -> bool:
        """Whether orders meet in a book; where a formula fills them at once there are no quotes."""
        return self._world.market_int(self._markets[market], "matching") == BOOK

    def bid_ticks(self, market: str) -> int | None:
        """Best bid, None on an empty side and without a book."""
        price = self._world.market_int(self._markets[market], "best_bid")
        return None if price == NO_BID or not self.has_book(market) else price

    def ask_ticks(self, market: str) -> int | None:
        """Best ask, None on an empty side and without a book."""
        price = self._world.market_int(self._markets[market], "best_ask")
        return None if price == NO_ASK or not self.has_book(market) else price

    def mid(self, market: str) -> float | None:
        """Middle of the best quotes [ticks, perhaps a half], None while a side is empty; without a book the price."""
        number = self._markets[market]
        bid, ask = self._world.market_int(number, "best_bid"), self._world.market_int(number, "best_ask")
        return None if bid == NO_BID or ask == NO_ASK else (bid + ask) / 2

    def mark_ticks(self, market: str) -> int:
        """Mark price."""
        return self._world.market_int(self._markets[market], "mark_ticks")

    def index_ticks(self, market: str) -> int:
        """Index price, rounded to the market's ticks."""
        return self._world.market_int(self._markets[market], "index_ticks")

    def last_ticks(self, market: str) -> int:
        """Price of the last trade, 0 before the first."""
        return self._world.market_int(self._markets[market], "last_ticks")

    def volume_lots(self, market: str) -> int:
        """Lots traded since the start."""
        return self._world.market_int(self._markets[market], "volume_lots")

    def volume_before_lots(self, market: str) -> int:
        """Lots traded before this instant: nothing that happened at the present nanosecond counts."""
        number = self._markets[market]
        if self._world.market_int(number, "last_trade_ns") == self._env.now:
            return self._world.market_int(number, "volume_before")
        return self._world.market_int(number, "volume_lots")

    def open_interest_lots(self, market: str) -> int:
        """Long lots of everybody but `outside`."""
        return self._world.market_int(self._markets[market], "open_interest")

    def funding_rate(self, market: str) -> float:
        """Rate of the last funding settlement."""
        return self._world.market_float(self._markets[market], "funding_rate")

    def funding_every_ns(self, market: str) -> int:
        """Time from one funding settlement to the next [ns]."""
        return self._world.market_int(self._markets[market], "funding_every_ns")

    def depth_lots(self, market: str, side: str, bps: float) -> int:
        """Lots resting on `side` ("bid", "ask") within `bps` of the mid (of the best price if one side is empty).

        Raises UsageError for a market without a book.
        """
        if not self.has_book(market):
            raise UsageError(f"{market} matches by a formula: there is no book, and so no depth; its mid is its price")
        return self._world.depth_lots(self._markets[market], side == "bid", bps)

    def cash_atoms(self, account: int) -> int:
        """Cash of an account, fills at their price."""
        return int(self._world.accounts[account]["cash_atoms"])

    def funding_atoms(self, account: int) -> int:
        """Funding an account received since the start, + received."""
        return int(self._world.accounts[account]["funding_atoms"])

    def position_lots(self, account: int, market: str) -> int:
        """Signed position of an account."""
        return int(self._world.positions[self._positions[account, market]]["lots"])

    def equity_atoms(self, account: int) -> int:
        """Cash plus positions at mark."""
        return self._world.account_equity(account)
