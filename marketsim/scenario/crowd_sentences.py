"""Groups with a desk in words: what they know of resets, and what they do with it."""

from __future__ import annotations

from marketsim.issuers.disclosure.spec import DisclosureSpec
from marketsim.traders.anticipator import AnticipatorSpec
from marketsim.traders.follower import FollowerSpec
from marketsim.traders.group import TraderGroupSpec
from marketsim.traders.liquidity_provider import LiquidityProviderSpec
from marketsim.traders.metaorder import MetaorderSpec
from marketsim.units import format_duration, format_number, format_rate, format_time_of_day


def disclosure_sentence(spec: DisclosureSpec) -> str:
    """What anybody may know of a token's resets."""
    noise = f"with an error of {format_rate(spec.noise)}" if spec.size == "noisy" else "exactly"
    size = "" if spec.size == "none" else f"the size of the next order, {noise}, every {format_duration(spec.every)}"
    when = "when it falls due" if spec.schedule == "public" else ""
    told = " and ".join(part for part in (when, size) if part)
    if not told:
        return "Nothing is told of its resets."
    lead = f", from {format_duration(spec.lead)} before a reset on" if spec.schedule == "public" else ""
    return f"Anybody may know {told}{lead}."


def crowd_sentence(group: TraderGroupSpec) -> str:
    """What a group with a desk does; nothing for other groups."""
    match group:
        case AnticipatorSpec():
            return (
                f" They trade {format_rate(group.share)} of the order each expects ahead of a reset, in {group.slices} "
                f"orders, at most {format_number(group.leverage)} times their equity, and back within "
                f"{format_duration(group.unwind)}.{_knowledge(group)}"
            )
        case LiquidityProviderSpec():
            return (
                f" They offer the other side of up to {format_rate(group.share)} of the order each expects around the "
                f"{group.around}, from {format_rate(group.first)} away on, and work it off within "
                f"{format_duration(group.unwind)}.{_knowledge(group)}"
            )
        case MetaorderSpec():
            times = " and at " + ", ".join(format_time_of_day(at) for at in group.at) if group.at else ""
            return (
                f" They send large orders at that rate{times}, {format_rate(group.buy_share)} of them to buy, in "
                f"{group.slices} slices over {format_duration(group.over)}."
            )
    return ""


def _knowledge(group: FollowerSpec) -> str:
    followed = f" They follow {', '.join(group.tokens)}." if group.tokens else ""
    knows = group.knows
    if knows is None:
        return f"{followed} They know what is public."
    parts = []
    if knows.schedule is not None:
        parts.append("when resets fall due" if knows.schedule else "not when resets fall due")
    if knows.size_noise is not None:
        parts.append(f"how large they are to {format_rate(knows.size_noise)}")
    if knows.lead is not None:
        parts.append(f"of a reset {format_duration(knows.lead)} before it")
    return f"{followed} They know {', '.join(parts) or 'what is public'}."
