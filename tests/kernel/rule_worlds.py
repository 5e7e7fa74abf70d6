"""A market with one group of traders that act by one rule, and others beside it who trade by hand."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from marketsim.kernel import codes, layout
from marketsim.kernel.world import World
from marketsim.streams import exponential_table
from tests.kernel.worlds import ONE_TIER, SECOND, MarketPlan, Plan, account_tables, market_fields

KEY = 20_240_101
FREE = MarketPlan(maker_fee=0, taker_fee=0, liquidation_fee=0, tiers=ONE_TIER, atoms=1_000)


class RuleWorld:
    """The group's `count` traders have accounts 0 .. count - 1; account `count` is the other side, and rich.

    path: index at second 1, 2, .. [ticks], the last value staying; latent: the latent fundamental [ticks], constant.
    """

    def __init__(
        self,
        rule: str,
        parameters: Mapping[str, Any],
        own: Mapping[str, Any] | None = None,
        *,
        count: int = 1,
        cash: int = 10**14,
        gap_ns: int = SECOND,
        path: Sequence[int] = (10_000,),
        latent: float = 0.0,
        logs: Sequence[str] = ("trades",),
        **fields: Any,
    ) -> None:
        self.other, self.now = count, 0
        plan = Plan((cash,) * count + (10**16,), (FREE,))
        accounts, positions, self.records = account_tables(plan)
        traders = np.zeros(count, layout.TRADER)
        traders["account"] = traders["position"] = accounts["trader"][:count] = np.arange(count)
        group = dict(market=0, first_trader=0, count=count, key=np.uint64(KEY), mean_gap_ns=gap_ns / count)
        group |= dict(slots_each=1, rule=rule, parameters=dict(parameters), own=dict(own or {}))
        self.world = World(
            underlyings=[dict(level=float(path[0]), every_ns=SECOND, next_ns=SECOND, absolute=1)],
            markets=[{**market_fields(plan, 0), "latent": -1, "latent_ticks": latent}],
            cohorts=[dict(group=0), *[dict(group=-1)] * 5], groups=[group | fields],
            accounts=accounts, positions=positions, traders=traders, slots=count, exponential=exponential_table(),
            logs=tuple(logs), log_rows=1 << 16,
        )  # fmt: skip
        self.world.give_path(0, 0, np.array([*path, *[path[-1]] * 5_000], np.float64))
        self.world.open()

    def advance(self, seconds: float) -> None:
        """Run to so many seconds from the start."""
        self.now = int(seconds * SECOND)
        while (stop := self.world.advance(self.now, codes.PH_RECORD)) != codes.STOP_REACHED:
            assert stop == codes.STOP_SPACE
            self.world.grow()

    def offer(self, lots: int, price: int) -> None:
        """Let the other side rest signed lots at a price."""
        flags = codes.F_SIDE if lots < 0 else 0
        number = self.world.next_order_id()
        self.world.send_order(self.now, self.records[self.other, 0], flags, price, abs(lots), 0, -1, number)
        self.advance(self.now / SECOND)

    def lots(self, account: int = 0) -> int:
        return int(self.world.positions[self.records[account, 0]]["lots"])

    def cash(self, account: int = 0) -> int:
        return int(self.world.accounts[account]["cash_atoms"])

    def trades(self) -> list[dict[str, int]]:
        """All trades that were logged since the last call."""
        names = layout.TRADE_LOG.names or ()
        return [dict(zip(names, row, strict=True)) for row in self.world.take_log("trades").tolist()]
