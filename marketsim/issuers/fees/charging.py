"""Charging: when the issuer takes its fees, by the clock or at a rebalance, out of the fund or as new units."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TYPE_CHECKING

from marketsim.issuers.books.token_books import TokenBooks
from marketsim.issuers.context import ChangeSignal, RunClock
from marketsim.issuers.fees.management import (
    ManagementFeeSpec,
    dilution_lots,
    management_fee_atoms,
    next_charge_ns,
    rate_of_charge,
)
from marketsim.issuers.fund.holdings import Holdings

if TYPE_CHECKING:
    from marketsim.clock import ProcessGenerator
    from marketsim.venues.gateway import Gateway


@dataclass(slots=True)
class FeeCharging:
    """Charges one token's fees; spec: of its management fee, None for none. rebalance_fee_atoms: for each rebalance.

    issuer_account: gets the new units of a fee by dilution. due_ns: of the next charge by the clock; last_ns: when a
    fee at a rebalance was charged last, at first the end of the warm-up.
    """

    clock: RunClock
    books: TokenBooks
    holdings: Holdings
    gateway: Gateway
    change: ChangeSignal
    issuer_account: int
    spec: ManagementFeeSpec | None
    rebalance_fee_atoms: int = 0
    due_ns: int | None = field(init=False, default=None)
    last_ns: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        """Find the first charge."""
        self.last_ns = self.clock.warmup_ns
        if self.spec is not None and self.spec.when == "every":
            self.due_ns = next_charge_ns(max(self.clock.warmup_ns - 1, 0), self.clock.start_ns, self.spec)

    def run(self) -> ProcessGenerator:
        """Charge on time, as long as there is a token."""
        while self.due_ns is not None and not self.books.token.is_over:
            yield self.clock.env.timeout(self.due_ns - self.clock.now_ns)
            self.charge_due()

    def charge_due(self) -> None:
        """Charge what is due by now; a reset at the same instant calls this first, whichever process comes first."""
        while self.spec is not None and self.due_ns is not None and self.due_ns <= self.clock.now_ns:
            self.due_ns = next_charge_ns(self.due_ns, self.clock.start_ns, self.spec)
            if self.books.token.is_over or not self.books.token.supply_lots:
                continue
            self._charge(self.spec, rate_of_charge(self.spec, self.spec.every))

    # -- at a rebalance

    def rebalance_fees_atoms(self) -> int:
        """What a rebalance now would cost in fees [atoms], paid before its order is sized (TLX, docs/products.md#tlx).

        None at the start of dealing; and a fund whose equity does not cover them pays none.
        """
        if self.clock.now_ns <= self.clock.warmup_ns:
            return 0
        fees = self.rebalance_fee_atoms
        if self.spec is not None and self.spec.when == "rebalance" and self.spec.mode == "nav":
            fees += management_fee_atoms(self._base_atoms(self.spec), self._rate_since_last(self.spec))
        return fees if fees and fees < self.books.holders_atoms() else 0

    def charge_rebalance(self) -> None:
        """Take the fees of a rebalance, or the new units, before its order is sent."""
        self._pay(self.rebalance_fees_atoms())
        if self.spec is not None and self.spec.when == "rebalance":
            if self.spec.mode == "dilution":
                self._dilute(self.spec, self._rate_since_last(self.spec))
            self.last_ns = self.clock.now_ns

    def _rate_since_last(self, spec: ManagementFeeSpec) -> Fraction:
        return rate_of_charge(spec, self.clock.now_ns - self.last_ns)

    # -- how

    def _charge(self, spec: ManagementFeeSpec, rate: Fraction) -> None:
        if spec.mode == "dilution":
            self._dilute(spec, rate)
        else:
            most = max(int(self.books.holders_atoms()), 0)
            self._pay(min(management_fee_atoms(self._base_atoms(spec), rate), most))

    def _base_atoms(self, spec: ManagementFeeSpec) -> int:
        """What the rate is a share of: the holders' equity, or the gross notional at the marks."""
        return int(self.books.holders_atoms() if spec.of == "equity" else self.books.holding().exposure_atoms)

    def _pay(self, atoms: int) -> None:
        """Take a fee out of what is the holders'."""
        token = self.books.token
        if atoms:
            self.gateway.pay(token.account, f"issuer:{token.issuer}", atoms, "management_fee")
            self.books.ledger.management_fee(atoms)
            self.change.notify()

    def _dilute(self, spec: ManagementFeeSpec, rate: Fraction) -> None:
        """Give the issuer new units: everybody's NAV falls, and no cash moves."""
        token, equity = self.books.token, int(self.books.holders_atoms())
        share = rate if spec.of == "equity" else rate * self._base_atoms(spec) / max(equity, 1)
        supply = token.supply_lots
        lots = dilution_lots(supply, share) if 0 < share < 1 else 0
        self.books.decay.multiply("fee", supply / (supply + lots))
        self.holdings.create(self.issuer_account, lots)
        token.supply_lots += lots
        self.change.notify()
