"""A run's counts for its manifest, who still waits for liquidation, and the check that money is conserved."""

from __future__ import annotations

from marketsim.simulation.model import MarketModel


class RunCounts:
    """The kernel's time [s] and the manifest's counts up to now."""

    def __init__(self, model: MarketModel) -> None:
        world = model.world
        self.kernel_s = model.env.kernel_s
        self.counts = {
            "micro_events": world.get("micro_events"),
            "strategic_events": model.env.strategic_events,
            "orders": world.get("order_count") + world.get("cancel_count"),
            "cancels": world.get("cancel_count"),
            "rejected_orders": world.get("reject_count"),
            "trades": world.get("trade_count"),
            "liquidations": world.get("liquidation_count"),
            "deleveragings": world.get("deleveraging_count"),
            "rebalances": model.journal.counts["rebalances"],
            **{
                f"{side}s": sum(desk.primary.settled[side] for desk in model.desks if desk.primary is not None)
                for side in ("creation", "redemption")
            },
        }

    def since(self, before: RunCounts | None) -> dict[str, int]:
        """The counts since earlier ones, or since the start."""
        if before is None:
            return self.counts
        return {name: number - before.counts[name] for name, number in self.counts.items()}


def residual_atoms(model: MarketModel, asset: str) -> int:
    """All balances at mark less all deposits of one currency: 0, or money was made or lost."""
    world = model.world
    n = world.get("n_accounts")
    mine = [a == asset for a in model.wired.cohorts.assets]
    accounts = world.accounts[:n]
    chosen = [mine[c] for c in accounts["cohort"]]
    equity = world.equity_atoms()[chosen]
    deposits = accounts["deposit_atoms"][chosen]
    return sum(int(x) for x in equity) - sum(int(x) for x in deposits)


def liquidations_queued(model: MarketModel) -> dict[str, int]:
    """Accounts that wait in each perpetual's liquidation queue, or for the engine's order that is on its way."""
    return {
        market.id: model.world.liquidations_under_way(number)
        for number, market in enumerate(model.wired.market_specs)
        if market.kind == "perpetual"
    }
