"""Terms of a primary market: how many units for how much cash, at which fee, by exact formulas without time.

Fee = rate x gross cash; creation: units x price = cash - fee; redemption: units x price = gross cash
(docs/contract.md#scenario-language; FTX, Binance, Bybit help pages, docs/products.md#primary-market). Units are whole
lots of the token, rounded down; of a creation's cash only what these lots and their fee come to is taken, so that no
client pays for a lot that is not delivered. The hedge is L times the cash [FTX 360045965593]. What decides *when* is in
`desk`, caps are in `caps`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, PlainSerializer, Tag

from marketsim.issuers.fund.nav import Exact, Rounding, desired_units, round_lots
from marketsim.issuers.primary_market.caps import DailyCapSpec
from marketsim.ranges import CHARGE, ZERO_OR_MORE
from marketsim.spec import (
    NONE_IN_WORDS,
    Duration,
    Factor,
    Fault,
    Flag,
    MoneyAmount,
    Rate,
    Spec,
    TimeOfDay,
    whole_atoms_faults,
)
from marketsim.units import Money, format_duration, format_money, format_number, format_rate, format_time_of_day

PrimaryMode = Literal["cash_nav", "cash_exec", "cash_batch", "in_kind"]
_PRICES: Mapping[str, str] = {
    "cash_nav": "at the quoted NAV",
    "cash_exec": "at the price its hedge gets",
    "cash_batch": "in batches, at the NAV quoted then",
    "in_kind": "in kind, for their part of every position",
}


def _words(value: Any) -> Any:
    if value is None:
        return "none"
    if isinstance(value, Money):
        return format_money(value)
    return format_number(value) if isinstance(value, Decimal) else value.model_dump(mode="json")


_OR_NONE = PlainSerializer(_words, when_used="json")


_Cap = Annotated[
    Annotated[MoneyAmount, Tag("sum")] | Annotated[DailyCapSpec, Tag("rule")],
    Discriminator(lambda value: "rule" if isinstance(value, (dict, DailyCapSpec)) else "sum"),
]


class PrimarySpec(Spec):
    """Creation and redemption: at quoted NAV, at the hedge's realised price, in batches, or in kind.

    Fees are rates of the cash, or (`fee_of`) of the notional behind it, the gross target times the cash (TLX's
    redemption fee, docs/products.md#tlx). Caps are in cash per UTC day, creations and redemptions each by themselves;
    `supply_cap` in tokens. `batches`: times of day (UTC) of `cash_batch`. `queue`: what cannot be dealt now waits its
    turn. `settle_after`: from dealing to delivery. `hedge`: through the token's execution, off the book at the mark, or
    not at all: the next `reset` trades for the fund as the cash has left it, less what flows and returns offset.
    `hedge_costs`: who bears slippage and fees of hedges at quoted NAV (in `cash_exec` the client does).
    """

    mode: PrimaryMode
    create_fee: Annotated[Rate, CHARGE] = Decimal(0)
    redeem_fee: Annotated[Rate, CHARGE] = Decimal(0)
    fee_of: Literal["cash", "notional"] = "cash"
    minimum: Annotated[MoneyAmount | None, NONE_IN_WORDS, _OR_NONE, ZERO_OR_MORE] = None
    daily_cap: Annotated[_Cap | None, NONE_IN_WORDS, _OR_NONE, ZERO_OR_MORE] = None
    account_cap: Annotated[MoneyAmount | None, NONE_IN_WORDS, _OR_NONE, ZERO_OR_MORE] = None
    supply_cap: Annotated[Factor | None, NONE_IN_WORDS, _OR_NONE, ZERO_OR_MORE] = None
    suspend_while_rebalancing: Flag = True
    batches: tuple[TimeOfDay, ...] = ()
    settle_after: Duration = 0
    queue: Flag = False
    hedge: Literal["execution", "off_book", "reset"] = "execution"
    hedge_costs: Literal["issuer", "fund"] = "issuer"

    def faults(self) -> Iterator[Fault]:
        """What is wrong between its keys."""
        if self.mode == "cash_batch" and not self.batches:
            yield Fault(("mode",), "batches need their times of day", 'batches: ["00:00", "08:00", "16:00"]')
        if self.mode != "cash_batch" and self.batches:
            yield Fault(("batches",), f"{self.mode} deals at once, not in batches", "left out")
        if self.mode == "in_kind" and self.hedge != "execution":
            yield Fault(("hedge",), "in kind nothing is traded, so nothing is hedged", "left out")
        if self.mode == "cash_exec" and self.hedge == "reset":
            yield Fault(("hedge",), "the price of cash_exec is its hedge's, and this is none", "execution, or cash_nav")
        for name in ("minimum", "daily_cap", "account_cap"):
            value = getattr(self, name)
            if isinstance(value, DailyCapSpec):
                yield from (fault.below(name) for fault in whole_atoms_faults(value.base, "base"))
            else:
                yield from whole_atoms_faults(value, name)

    def sentence(self) -> str:
        """How units are created and redeemed, in words."""
        base = "cash" if self.fee_of == "cash" else "notional behind it"
        fees = f"for {format_rate(self.create_fee)} and {format_rate(self.redeem_fee)} of the {base}"
        times = " at " + ", ".join(format_time_of_day(at) for at in self.batches) if self.batches else ""
        text = f"Tokens are created and redeemed {_PRICES[self.mode]}{times}, {fees}"
        text += "".join(f"; {limits}" for limits in [", ".join(self._limits())] if limits)
        text += "; the next reset hedges them" if self.hedge == "reset" else ""
        text += "; not while it rebalances" if self.suspend_while_rebalancing else ""
        text += "; what cannot be dealt waits its turn" if self.queue else ""
        return text + (f"; delivered {format_duration(self.settle_after)} later" if self.settle_after else "") + "."

    def _limits(self) -> Iterator[str]:
        if self.minimum is not None:
            yield f"at least {format_money(self.minimum)}"
        if isinstance(self.daily_cap, DailyCapSpec):
            yield self.daily_cap.words()
        elif self.daily_cap is not None:
            yield f"at most {format_money(self.daily_cap)} a day"
        if self.account_cap is not None:
            yield f"{format_money(self.account_cap)} a day and account"
        if self.supply_cap is not None:
            yield f"{format_number(self.supply_cap)} tokens in all"


Primary = Annotated[
    PrimarySpec | None,
    BeforeValidator(lambda value: None if value in ("none", {"mode": "none"}) else value),
    _OR_NONE,
]
"""A primary market, or none (`none` or `{mode: none}` in a file): the token is only traded."""


@dataclass(frozen=True, slots=True)
class Deal:
    """What one creation or redemption comes to: units [token lots], gross cash and fee [atoms]."""

    units_lots: int
    cash_atoms: int
    fee_atoms: int

    @property
    def net_atoms(self) -> int:
        """Gross cash less fee: what a creation brings the fund, what a redemption leaves the client."""
        return self.cash_atoms - self.fee_atoms


def primary_fee_atoms(gross_atoms: int, rate: Exact | Decimal) -> int:
    """Fee of a creation or redemption [atoms]: rate x gross cash, rounded down.

    Source: Bybit, "Leveraged Tokens: Fees Explained" (quantity x price x rate).
    """
    return floor(gross_atoms * Fraction(rate))


def gross_for(net_atoms: int, rate: Exact | Decimal, offered_atoms: int) -> int:
    """Gross cash [atoms] that leaves a net sum, exactly, once its fee is taken off; of cash offered that leaves enough.

    A gross G leaves ceil((1 - rate) G), which is the net sum n for the largest G <= n / (1 - rate), and for the offer
    if that is less.
    """
    return min(floor(net_atoms / (1 - Fraction(rate))), offered_atoms)


def creation(cash_atoms: int, lot_price: Exact, rate: Exact | Decimal) -> Deal:
    """Units that cash buys at a price per token lot [atoms, > 0], and what of the cash is taken for them.

    The fund gets the price of the units rounded up to the atom, so that its holders lose nothing.
    """
    net = cash_atoms - primary_fee_atoms(cash_atoms, rate)
    units = floor(Fraction(net) / lot_price)
    gross = gross_for(ceil(units * Fraction(lot_price)), rate, cash_atoms) if units else 0
    return Deal(units, gross, primary_fee_atoms(gross, rate))


def redemption(units_lots: int, lot_price: Exact, rate: Exact | Decimal) -> Deal:
    """Cash for units at a price per token lot [atoms]: rounded down to the atom."""
    gross = max(floor(units_lots * Fraction(lot_price)), 0)
    return Deal(units_lots, gross, primary_fee_atoms(gross, rate))


def hedge_lots(leverage: Exact, cash_atoms: int, price_ticks: Exact, atoms_per_tick_lot: int) -> int:
    """Perpetual lots that L times the cash buys (+) or sells (-) at a price, to the nearest lot [FTX 360045965593].

    cash_atoms: + of creations, - of redemptions.
    """
    return round_lots(desired_units(leverage, cash_atoms, price_ticks * atoms_per_tick_lot), Rounding.NEAREST)


def share_lots(position_lots: int, units_lots: int, supply_lots: int) -> int:
    """Part of a position behind some units of the supply, to the nearest lot: what creation in kind delivers [FLI]."""
    return round_lots(Fraction(position_lots * units_lots, supply_lots), Rounding.NEAREST)
