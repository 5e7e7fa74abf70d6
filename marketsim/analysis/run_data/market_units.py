"""The units in which each market of a run counts: its currency, its tick, and the worth of one tick on one lot."""

from __future__ import annotations

from dataclasses import dataclass

from marketsim.datasets.run import Run


@dataclass(frozen=True, slots=True)
class MarketUnits:
    """asset: currency of accounts. tick: step of the price. atoms_per_tick_lot: atoms of one lot moving one tick."""

    asset: str
    tick: float
    atoms_per_tick_lot: int

    def worth_atoms(self, lots: int, price: float) -> int:
        """What signed lots are worth at a price [atoms]."""
        return lots * self.ticks(price) * self.atoms_per_tick_lot

    def ticks(self, price: float) -> int:
        """A price in ticks."""
        return round(price / self.tick)


def market_units(run: Run) -> dict[str, MarketUnits]:
    """The units of every market of a run, by its id."""
    rows = run.table("instruments").select("market", "asset", "tick", "atoms_per_tick_lot").iter_rows()
    return {market: MarketUnits(asset, float(tick), int(atoms)) for market, asset, tick, atoms in rows}
