"""Client collateral: what the clients of a primary market could pay and hand over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol


class ClientCollateral(Protocol):
    """Free equity and positions of accounts at the venue."""

    def free_atoms(self, account: int, taken_lots: Mapping[str, int] | None = None) -> int:
        """Free equity of an account [atoms], perhaps after it took positions over at their marks."""
        ...

    def position_lots(self, account: int, market: str) -> int | None:
        """Position of an account; None where it may hold none."""
        ...
