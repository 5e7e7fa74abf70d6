"""What an intervention does to the flows of one token: in the book, out of it, or not traded at all.

The rules of a fund know nothing of this; the executor and the rebalancer ask here at the last step. A treatment may
change while a world runs, which is how an arm begins at a fork.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from marketsim.messages import Purpose


class Flow(StrEnum):
    """Where orders of one purpose go: to the book; at the mark to `outside`; nowhere, they are only written down."""

    BOOK = "book"
    OFF_BOOK = "off_book"
    WITHHELD = "withheld"


@dataclass(slots=True)
class Treatment:
    """Flows of one token by their purpose, as the token's arm leaves them (docs/contract.md#arms)."""

    rebalance: Flow = Flow.BOOK
    primary: Flow = Flow.BOOK

    def flow(self, purpose: Purpose) -> Flow:
        """Where orders of a purpose go."""
        return self.rebalance if purpose is Purpose.REBALANCE else self.primary
