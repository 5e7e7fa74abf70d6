"""What came after a parent order: the volume of its window, the mids later on, and its row once all is known."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.issuers.orders.parent import MIDS_AFTER, ParentOrder, RebalanceRegister, Unfilled

if TYPE_CHECKING:
    from marketsim.clock import MarketEnvironment, ProcessGenerator
    from marketsim.venues.view import View


@dataclass(slots=True)
class Aftermath:
    """Follows the parent orders of one token from each fill on, and hands each to the register when it is complete."""

    env: MarketEnvironment
    view: View
    register: RebalanceRegister
    parents: dict[int, ParentOrder] = field(default_factory=dict)

    def begin(self, parent: ParentOrder) -> None:
        """Take up a new parent order."""
        self.parents[parent.id] = parent

    def filled(self, parent: ParentOrder) -> None:
        """Hear that a child got something at this instant; orders that were not taken up are not followed."""
        if self.parents.get(parent.id) is parent:
            self.env.process(self._follow(parent, parent.last_ns))

    def ended(self, parent: ParentOrder, leverage_after: Fraction | None) -> None:
        """Hear that the last child is final."""
        parent.is_over = True
        parent.leverage_after = leverage_after
        parent.is_followed |= not parent.filled_lots
        self._settle(parent)

    def finish(self, t_ns: int, leverage: Fraction | None) -> None:
        """Complete what is still open at the end of the run; a mid due exactly then is taken."""
        for parent in list(self.parents.values()):
            if parent.measured_ns != parent.last_ns:
                self._measure(parent, self.view.volume_lots(parent.market))
            for column, after_ns in MIDS_AFTER.items():
                if column not in parent.mids and parent.filled_lots and parent.last_ns + after_ns == t_ns:
                    parent.mids[column] = self.view.mid(parent.market)
            parent.is_followed = True
            if not parent.is_over:
                parent.unfilled = parent.unfilled or Unfilled.END_OF_RUN
            self.ended(parent, parent.leverage_after if parent.is_over else leverage)

    def _follow(self, parent: ParentOrder, fill_ns: int) -> ProcessGenerator:
        """Note the volume at the end of a fill's instant, then the mids after it, unless a later fill comes."""
        yield self.env.timeout(1)
        self._measure(parent, self.view.volume_before_lots(parent.market))
        for column, after_ns in MIDS_AFTER.items():
            yield self.env.timeout(fill_ns + after_ns - int(self.env.now))
            if parent.last_ns != fill_ns:
                return
            parent.mids[column] = self.view.mid(parent.market)
        parent.is_followed = True
        self._settle(parent)

    def _measure(self, parent: ParentOrder, traded_lots: int) -> None:
        parent.volume_lots = traded_lots - parent.volume_before_lots
        parent.measured_ns = parent.last_ns

    def _settle(self, parent: ParentOrder) -> None:
        if parent.is_over and parent.is_followed and self.parents.get(parent.id) is parent:
            del self.parents[parent.id]
            self.register.complete(parent)
