"""The office: what the desk of one token needs of the world around it, beside its market: holders, clients, ledger."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from marketsim.issuers.fund.holdings import Holdings


class Purse(Protocol):
    """What clients could pay and hand over."""

    def free_atoms(self, account: int, taken_lots: Mapping[str, int] | None = None) -> int:
        """Free equity of an account [atoms], perhaps after it took positions over at their marks."""
        ...

    def position_lots(self, account: int, market: str) -> int | None:
        """Position of an account; None where it may hold none."""
        ...


class OwnMarket(Protocol):
    """The switches of a token's own market."""

    def open_primary(self, is_open: bool) -> None:
        """Let holders know whether the fund creates and redeems."""
        ...

    def halt(self, is_halted: bool) -> None:
        """Refuse new orders, or take them again."""
        ...

    def clear(self) -> None:
        """Cancel every resting order."""
        ...

    def rescale(self, ratio: int) -> None:
        """Count prices in a new unit worth `ratio` old ones."""
        ...


@dataclass(frozen=True, slots=True)
class Office:
    """holdings: of the token's units. who: public id and cohort of an account. next_hedge: a number for a new hedge.

    issuer_account, rounding_account, outside_account: of the ledger cohorts `issuer:ID`, `rounding` and `outside` in
    the token's venue and currency. market: the token's own, None without one.
    """

    holdings: Holdings
    purse: Purse
    who: Callable[[int], tuple[int, str]]
    next_hedge: Callable[[], int]
    issuer_account: int
    rounding_account: int
    outside_account: int
    market: OwnMarket | None = None
