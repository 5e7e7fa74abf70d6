"""Terms of a primary market: how many units for how much cash, at which fee, by exact formulas without time.

Fee = rate x gross cash; creation: units x price = cash - fee; redemption: units x price = gross cash
(docs/contract.md#scenario-language; FTX, Binance, Bybit help pages, docs/products.md#primary-market). Units are whole
lots of the token, rounded down; of a creation's cash only what these lots and their fee come to is taken, so that no
client pays for a lot that is not delivered. The hedge is L times the cash [FTX 360045965593]. What decides *when* is in
`desk`, caps are in `caps`.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import ceil, floor
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, PlainSerializer, Tag

from marketsim.issuers.fund.nav import Exact, Rounding, desired_units, round_lots
from marketsim.issuers.primary_market.caps import DailyCapSpec
from marketsim.spec import NONE_IN_WORDS, Duration, Factor, Flag, MoneyAmount, Rate, Spec, TimeOfDay
from marketsim.units import Money, format_money, format_number

PrimaryMode = Literal["cash_nav", "cash_exec", "cash_batch", "in_kind"]


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
    turn. `settle_after`: from dealing to delivery. `hedge`: through the token's execution, or off the book at the mark.
    `hedge_costs`: who bears slippage and fees of hedges at quoted NAV (in `cash_exec` the client does).
    """

    mode: PrimaryMode
    create_fee: Rate = Decimal(0)
    redeem_fee: Rate = Decimal(0)
    fee_of: Literal["cash", "notional"] = "cash"
    minimum: Annotated[MoneyAmount | None, NONE_IN_WORDS, _OR_NONE] = None
    daily_cap: Annotated[_Cap | None, NONE_IN_WORDS, _OR_NONE] = None
    account_cap: Annotated[MoneyAmount | None, NONE_IN_WORDS, _OR_NONE] = None
    supply_cap: Annotated[Factor | None, NONE_IN_WORDS, _OR_NONE] = None
    suspend_while_rebalancing: Flag = True
    batches: tuple[TimeOfDay, ...] = ()
    settle_after: Duration = 0
    queue: Flag = False
    hedge: Literal["execution", "off_book"] = "execution"
    hedge_costs: Literal["issuer", "fund"] = "issuer"


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
