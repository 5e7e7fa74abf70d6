"""Charging: when the issuer takes its fees, by the clock or the reset, out of the fund or by new units of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.issuers.fees.management import (
    ManagementFeeSpec,
    dilution_lots,
    management_fee_atoms,
    next_charge_ns,
    rate_of_charge,
)

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.issuers.desk import TokenDesk


@dataclass(slots=True)
class Charging:
    """Charges one token's fees; spec: of its management fee, None for none. rebalance_fee_atoms: for each rebalance.

    last_ns: when a fee by the reset was charged last; its time counts from the end of the warm-up.
    """

    desk: TokenDesk
    spec: ManagementFeeSpec | None
    rebalance_fee_atoms: int = 0
    due_ns: int | None = field(init=False, default=None)
    last_ns: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Find the first charge."""
        self.last_ns = self.desk.warmup_ns
        if self.spec is not None and self.spec.when == "every":
            self.due_ns = next_charge_ns(max(self.desk.warmup_ns - 1, 0), self.desk.start_ns, self.spec)

    def run(self) -> ProcessGenerator:
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
            self._charge(self.spec, rate_of_charge(self.spec, self.spec.every))

    # -- at a rebalance

    def rebalance_fees_atoms(self) -> int:
        """What a rebalance now would cost in fees [atoms], paid before its order is sized (TLX, RULES A.5).

        None at the start of dealing; and a fund whose equity does not cover them pays none.
        """
        if self.desk.now_ns <= self.desk.warmup_ns:
            return 0
        fees = self.rebalance_fee_atoms
        if self.spec is not None and self.spec.when == "rebalance" and self.spec.mode == "nav":
            fees += management_fee_atoms(self._base_atoms(self.spec), self._rate_since_last(self.spec))
        return fees if fees and fees < self.desk.books.holders_atoms() else 0

    def charge_rebalance(self) -> None:
        """Take the fees of a rebalance, or the new units, before its order is sent."""
        self._pay(self.rebalance_fees_atoms())
        if self.spec is not None and self.spec.when == "rebalance":
            if self.spec.mode == "dilution":
                self._dilute(self.spec, self._rate_since_last(self.spec))
            self.last_ns = self.desk.now_ns

    def _rate_since_last(self, spec: ManagementFeeSpec) -> Fraction:
        return rate_of_charge(spec, self.desk.now_ns - self.last_ns)

    # -- how

    def _charge(self, spec: ManagementFeeSpec, rate: Fraction) -> None:
        if spec.mode == "dilution":
            self._dilute(spec, rate)
        else:
            most = max(int(self.desk.books.holders_atoms()), 0)
            self._pay(min(management_fee_atoms(self._base_atoms(spec), rate), most))

    def _base_atoms(self, spec: ManagementFeeSpec) -> int:
        """What the rate is a share of: the holders' equity, or the gross notional at the marks."""
        books = self.desk.books
        return int(books.holders_atoms() if spec.of == "equity" else books.holding().exposure_atoms)

    def _pay(self, atoms: int) -> None:
        """Take a fee out of what is the holders'."""
        desk = self.desk
        if atoms:
            desk.gateway.pay(desk.token.account, f"issuer:{desk.token.issuer}", atoms, "management_fee")
            desk.books.ledger.management_fee(atoms)
            desk.wake()

    def _dilute(self, spec: ManagementFeeSpec, rate: Fraction) -> None:
        """Give the issuer new units: everybody's NAV falls, and no cash moves."""
        desk, equity = self.desk, int(self.desk.books.holders_atoms())
        share = rate if spec.of == "equity" else rate * self._base_atoms(spec) / max(equity, 1)
        supply = desk.token.supply_lots
        lots = dilution_lots(supply, share) if 0 < share < 1 else 0
        desk.books.decay.multiply("fee", supply / (supply + lots))
        desk.office.holdings.create(desk.office.issuer_account, lots)
        desk.token.supply_lots += lots
        desk.wake()
