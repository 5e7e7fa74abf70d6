"""A fund's dealings in words: its primary market, its splits, who pays its funding."""

from __future__ import annotations

from collections.abc import Iterator

from marketsim.issuers.disclosure.spec import DisclosureSpec
from marketsim.issuers.fees.management import ManagementFeeSpec
from marketsim.issuers.primary_market.caps import DailyCapSpec
from marketsim.issuers.primary_market.nav_quote import NavQuoteSpec
from marketsim.issuers.primary_market.terms import PrimarySpec
from marketsim.issuers.token_spec import TokenSpec
from marketsim.units import (
    format_annual_rate,
    format_duration,
    format_money,
    format_number,
    format_rate,
    format_time_of_day,
)

_PRICES = {
    "cash_nav": "at the quoted NAV",
    "cash_exec": "at the price its hedge gets",
    "cash_batch": "in batches, at the NAV quoted then",
    "in_kind": "in kind, for their part of every position",
}


def fund_sentences(token: TokenSpec) -> Iterator[str]:
    """What a token says about creation, redemption, splits, funding and costs beyond the defaults."""
    if token.primary is not None:
        yield _primary(token.primary)
    if token.nav_quote != NavQuoteSpec():
        quote = token.nav_quote
        late = f", known {format_duration(quote.delay)} later" if quote.delay else ""
        yield f"Its NAV is quoted every {format_duration(quote.every)} at the {quote.source}{late}."
    if token.reverse_split is not None:
        rule = token.reverse_split
        yield f"Below a NAV of {format_money(rule.below)}, {rule.ratio} tokens become one." + (
            f" Dealing then rests for {format_duration(rule.halt)}." if rule.halt else ""
        )
    if token.rebalance_fee is not None:
        yield f"Each rebalance costs it {format_money(token.rebalance_fee)}, before the order is sized."
    if token.funding == "absorb":
        yield "Funding is the issuer's."
    if token.costs == "absorb":
        yield "Fees and slippage of its rebalances are the issuer's."
    if token.disclosure is not None:
        yield _disclosure(token.disclosure)


def _disclosure(spec: DisclosureSpec) -> str:
    """What anybody may know of a token's resets."""
    noise = f"with an error of {format_rate(spec.noise)}" if spec.size == "noisy" else "exactly"
    size = "" if spec.size == "none" else f"the size of the next order, {noise}, every {format_duration(spec.every)}"
    when = "when it falls due" if spec.schedule == "public" else ""
    told = " and ".join(part for part in (when, size) if part)
    if not told:
        return "Nothing is told of its resets."
    lead = f", from {format_duration(spec.lead)} before a reset on" if spec.schedule == "public" else ""
    return f"Anybody may know {told}{lead}."


def fee_words(fee: ManagementFeeSpec | None) -> str:
    """A management fee, as a part of a sentence."""
    if fee is None:
        return "no management fee"
    base = " of notional" if fee.of == "notional" else ""
    text = f"a fee of {format_rate(fee.rate)}{base}{', by the year,' if fee.per == 'year' else ''}"
    if fee.when == "rebalance":
        text += " charged before each rebalance"
    else:
        text += f"{' charged' if fee.per == 'year' else ''} every {format_duration(fee.every)}"
        text += f" at {format_time_of_day(fee.at)}"
    return text + (" in new units for the issuer" if fee.mode == "dilution" else "")


def _primary(spec: PrimarySpec) -> str:
    base = "cash" if spec.fee_of == "cash" else "notional behind it"
    fees = f"for {format_rate(spec.create_fee)} and {format_rate(spec.redeem_fee)} of the {base}"
    times = " at " + ", ".join(format_time_of_day(at) for at in spec.batches) if spec.batches else ""
    text = f"Tokens are created and redeemed {_PRICES[spec.mode]}{times}, {fees}"
    limits = [f"at least {format_money(spec.minimum)}"] if spec.minimum is not None else []
    limits += [_daily_cap(spec.daily_cap)] if isinstance(spec.daily_cap, DailyCapSpec) else []
    if spec.daily_cap is not None and not isinstance(spec.daily_cap, DailyCapSpec):
        limits.append(f"at most {format_money(spec.daily_cap)} a day")
    if spec.account_cap is not None:
        limits.append(f"{format_money(spec.account_cap)} a day and account")
    if spec.supply_cap is not None:
        limits.append(f"{format_number(spec.supply_cap)} tokens in all")
    text += f"; {', '.join(limits)}" if limits else ""
    text += "; not while it rebalances" if spec.suspend_while_rebalancing else ""
    text += "; what cannot be dealt waits its turn" if spec.queue else ""
    text += f"; delivered {format_duration(spec.settle_after)} later" if spec.settle_after else ""
    return text + "."


def _daily_cap(cap: DailyCapSpec) -> str:
    storms = [f"{format_money(row.cap)} above {format_annual_rate(row.above)}" for row in cap.above_volatility]
    return f"at most {format_money(cap.base)} a day ({', '.join(storms)})" if storms else format_money(cap.base)
