"""Charging: when the issuer takes its management fee, out of the fund or by new units of its own."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from marketsim.issuers.fees import (
    ManagementFeeSpec,
    dilution_lots,
    management_fee_atoms,
    next_charge_ns,
    rate_of_charge,
)

if TYPE_CHECKING:
    from marketsim.issuers.issuer import TokenDesk

Turning = Generator[Any, Any, None]


@dataclass(slots=True)
class Charging:
    """Charges one token's management fee; spec: None for none."""

    desk: TokenDesk
    spec: ManagementFeeSpec | None
    due_ns: int | None = field(init=False, default=None)

    def __post_init__(self) -> None:
        """Find the first charge."""
        if self.spec is not None:
            self.due_ns = next_charge_ns(max(self.desk.warmup_ns - 1, 0), self.desk.start_ns, self.spec)

    def run(self) -> Turning:
        """Charge on time, as long as there is a token."""
        while self.due_ns is not None and not self.desk.token.is_over:
            yield self.desk.env.timeout(self.due_ns - self.desk.now_ns)
            self.charge_due()

    def charge_due(self) -> None:
        """Charge what is due by now; a reset at the same instant calls this first, whichever process comes first."""
        while self.spec is not None and self.due_ns is not None and self.due_ns <= self.desk.now_ns:
            self.due_ns = next_charge_ns(self.due_ns, self.desk.start_ns, self.spec)
            if self.desk.token.is_over or not self.desk.token.supply_lots:
                continue
            if self.spec.mode == "dilution":
                self._dilute(self.spec)
            else:
                self._take(self.spec)

    def _take(self, spec: ManagementFeeSpec) -> None:
        """Take the fee out of what is the holders'."""
        desk = self.desk
        atoms = management_fee_atoms(int(desk.books.holders_atoms()), rate_of_charge(spec))
        if atoms:
            desk.gateway.pay(desk.token.account, f"issuer:{desk.token.issuer}", atoms, "management_fee")
            desk.books.ledger.management_fee(atoms)
            desk.wake()

    def _dilute(self, spec: ManagementFeeSpec) -> None:
        """Give the issuer new units: everybody's NAV falls, and no cash moves."""
        desk = self.desk
        supply = desk.token.supply_lots
        lots = dilution_lots(supply, rate_of_charge(spec))
        desk.books.decay.multiply("fee", supply / (supply + lots))
        desk.office.holdings.create(desk.office.issuer_account, lots)
        desk.token.supply_lots += lots
        desk.wake()
