"""The liquidation engines: what each has to say and to do."""

from __future__ import annotations

from collections.abc import Iterator

from marketsim.kernel import liquidation_engines
from marketsim.kinds import Family
from marketsim.venues.engines.liquidation_facts import LiquidationFacts
from marketsim.venues.kernel_twin import KernelTwin
from marketsim.venues.margin import TierTable


class LiquidationEngine(KernelTwin):
    """What every liquidation engine has: its word, which the kernel knows too, and how large its next order is."""

    kernel_folder = "kernel/liquidation_engines"
    kernel_codes = liquidation_engines.CODES

    @staticmethod
    def order_lots(position_lots: int, mark_ticks: int, atoms_per_tick_lot: int, tiers: TierTable) -> int:
        """Size of its next order for a position below maintenance, signed as an order [lots, - sells a long]."""
        raise NotImplementedError

    @staticmethod
    def sentence() -> str:
        """What it does with an account, as the rest of "An account below maintenance ..."."""
        raise NotImplementedError

    @classmethod
    def reasons(cls, facts: LiquidationFacts) -> Iterator[str]:
        """How a liquidation went by its rules, as whole sentences with the numbers, for `explain`."""
        order = cls.order_lots(facts.position_lots, facts.mark_ticks, facts.atoms_per_tick_lot, facts.tiers)
        yield f"At that mark its order was {facts.size(order)} of a position of {facts.size(facts.position_lots)}."
        yield f"The step that ended it was {facts.stage!r}."


LIQUIDATION_ENGINES = Family(
    "liquidation engine",
    LiquidationEngine,
    key="",
    home="marketsim.venues.engines",
    needs=("order_lots", "sentence"),
    is_open=False,
    announced=dict.fromkeys(("bitmex", "okx", "hyperliquid", "ftx", "dydx", "deribit", "bybit"), "binance"),
)
"""The liquidation engines; the kernel has them, so no plugin may add to them."""
