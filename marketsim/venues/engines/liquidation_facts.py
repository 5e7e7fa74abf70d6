"""What is known of one liquidation when it is explained: the account's position and margin as the engine saw them."""

from __future__ import annotations

from dataclasses import dataclass

from marketsim.units import ATOMS_PER_UNIT
from marketsim.venues.margin import MarginTier, TierTable, maintenance_margin_atoms, tier_at


@dataclass(frozen=True, slots=True)
class LiquidationFacts:
    """A position that a venue took apart: signed lots, the mark [ticks] then, margin tiers, and how it ended.

    lot: units of `unit` in a lot. bankruptcy: price [asset per unit]. stage: the step that ended it. deleveraged_lots:
    what was passed on to the other side's accounts. is_slice: whether the venue closes accounts in slices or under a
    cap; the position is then what one order closed, and the account had more.
    """

    position_lots: int
    mark_ticks: int
    atoms_per_tick_lot: int
    tiers: TierTable
    bankruptcy: float
    stage: str
    deleveraged_lots: int
    lot: float
    unit: str
    asset: str
    is_slice: bool = False

    @property
    def notional_atoms(self) -> int:
        """Notional at the mark, without sign."""
        return abs(self.position_lots) * self.mark_ticks * self.atoms_per_tick_lot

    @property
    def tier(self) -> MarginTier:
        """The tier that its notional lay in."""
        return tier_at(self.notional_atoms, self.tiers)

    @property
    def maintenance(self) -> float:
        """Maintenance margin of the position."""
        return maintenance_margin_atoms(self.notional_atoms, self.tiers) / ATOMS_PER_UNIT

    def size(self, lots: int) -> str:
        """Lots as a size of the market."""
        return f"{lots * self.lot:+,.8g} {self.unit}"

    def money(self, atoms: float) -> str:
        """Atoms as money."""
        return f"{atoms / ATOMS_PER_UNIT:,.2f} {self.asset}"
