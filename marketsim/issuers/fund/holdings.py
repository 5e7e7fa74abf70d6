"""Units of a token held by accounts: who holds what, counted in the token's lots.

Supply belongs to holders: the ledger cohort `outside_holders` from the start, and every account that was given, bought
or created units. A token without a market of its own keeps its holdings in a `HoldingsRegister`; one that has a market
keeps them where that market does, behind the same interface. The sum of all holdings is the token's supply at every
instant (`check_supply`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from marketsim.errors import KernelError


class Holdings(Protocol):
    """Units of one token by account [lots]; accounts are the venue's, ledger roles among them."""

    @property
    def total_lots(self) -> int:
        """All units held."""
        ...

    def units_of(self, account: int) -> int:
        """Units of one account [lots], those it has put up for sale included."""
        ...

    def free_of(self, account: int) -> int:
        """Units of one account that no order of its own has put up for sale [lots]."""
        ...

    def holders(self) -> Mapping[int, int]:
        """Units by account [lots, > 0], in the order of accounts."""
        ...

    def create(self, account: int, lots: int) -> None:
        """Give an account new units."""
        ...

    def destroy(self, account: int, lots: int) -> None:
        """Take free units of an account out of the world."""
        ...

    def move(self, payer: int, receiver: int, lots: int) -> None:
        """Hand free units of one account to another."""
        ...


@dataclass(slots=True)
class Stake:
    """What one holder has had of a token: lots at the start and now, and its share of fee and funding [atoms].

    seen: what one lot had borne of each when the holding last changed.
    """

    opening_lots: int
    lots: int
    borne_atoms: dict[str, float]
    seen: dict[str, float]


CHARGES = ("management", "funding")
"""What every unit bears alike: management fee (+ paid) and funding (+ received)."""


class HoldingsRegister:
    """Holdings kept in Python, for a token that no market trades: nothing is ever put up for sale.

    units: of each account at the start. It writes down, as a token's own market does, what each holder bears.
    """

    def __init__(self, units: Mapping[int, int] | None = None) -> None:
        self._units: dict[int, int] = {}
        self._stakes: dict[int, Stake] = {}
        self._per_lot = dict.fromkeys(CHARGES, 0.0)
        for account, lots in (units or {}).items():
            self.create(account, lots)
            self._stake(account).opening_lots = lots

    @property
    def total_lots(self) -> int:
        """All units held."""
        return sum(self._units.values())

    def units_of(self, account: int) -> int:
        """Units of one account [lots]."""
        return self._units.get(account, 0)

    def free_of(self, account: int) -> int:
        """The same: nothing is put up for sale."""
        return self.units_of(account)

    def holders(self) -> Mapping[int, int]:
        """Units by account [lots, > 0], in the order of accounts."""
        return dict(sorted(self._units.items()))

    def create(self, account: int, lots: int) -> None:
        """Give an account new units; raises `KernelError` for fewer than none."""
        self._change(account, _not_negative(lots))

    def destroy(self, account: int, lots: int) -> None:
        """Take units of an account out of the world; raises `KernelError` when it has not so many."""
        self._change(account, -_not_negative(lots))

    def move(self, payer: int, receiver: int, lots: int) -> None:
        """Hand units of one account to another; raises `KernelError` when it has not so many."""
        self.destroy(payer, lots)
        self.create(receiver, lots)

    def bear(self, charge: str, atoms: int) -> None:
        """Spread a charge of the fund [atoms] over all units there are."""
        total = self.total_lots
        if total:
            self._per_lot[charge] += atoms / total

    def stakes(self) -> Mapping[int, Stake]:
        """Everybody who ever had units, up to this instant, in the order of accounts."""
        for account in self._stakes:
            self._accrue(account)
        return dict(sorted(self._stakes.items()))

    def _stake(self, account: int) -> Stake:
        return self._stakes.setdefault(account, Stake(0, 0, dict.fromkeys(CHARGES, 0.0), dict(self._per_lot)))

    def _accrue(self, account: int) -> Stake:
        stake = self._stake(account)
        for charge, per_lot in self._per_lot.items():
            stake.borne_atoms[charge] += stake.lots * (per_lot - stake.seen[charge])
            stake.seen[charge] = per_lot
        return stake

    def _change(self, account: int, lots: int) -> None:
        left = self.units_of(account) + lots
        if left < 0:
            raise KernelError(f"account {account} holds {left - lots} lots of a token and cannot give {-lots}")
        self._accrue(account).lots = left
        self._units[account] = left
        if not left:
            del self._units[account]


def check_supply(token: str, supply_lots: int, holdings: Holdings) -> None:
    """Raise `KernelError` unless all holdings together are the token's supply."""
    if holdings.total_lots != supply_lots:
        raise KernelError(f"holders of {token} have {holdings.total_lots} lots, its supply is {supply_lots}")


def _not_negative(lots: int) -> int:
    if lots < 0:
        raise KernelError(f"units cannot change by {lots} lots this way round")
    return lots
