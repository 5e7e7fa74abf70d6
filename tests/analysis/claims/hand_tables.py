"""Rows of tables that claims read, written by hand."""

from collections.abc import Mapping
from typing import Any

from tests.analysis.tables import PERP, Rows


def token(name: str, basket: Mapping[str, float] | float = 3, **changes: Any) -> dict[str, Any]:
    """A token as a resolved scenario declares it; a number: its target on PERP alone."""
    legs = {"PERP": basket} if isinstance(basket, (int, float)) else basket
    declared = {
        "id": name, "basket": {market: str(target) for market, target in legs.items()},
        "rebalance": {"policy": "daily", "at": "00:00"}, "primary": "none", "reverse_split": "none",
    }  # fmt: skip
    return {**declared, **changes}


def navs(name: str, values: Mapping[int, float], **leverage: Mapping[int, float | None]) -> Rows:
    """NAV by instant [ns]; `leverage`: by instant too."""
    by = leverage.get("leverage", {})
    return [
        {"t_ns": t_ns, "token": name, "nav": nav, "leverage": by.get(t_ns), "state": "TRADING"}
        for t_ns, nav in values.items()
    ]


def prices(values: Mapping[int, float], market: str = "PERP", marks: Mapping[int, float] | None = None) -> Rows:
    """Index by instant [ns], and the mark where it stands elsewhere."""
    return [
        {"t_ns": t_ns, "market": market, "index_price": price, "mark_price": (marks or values)[t_ns]}
        for t_ns, price in values.items()
    ]


def attribution(name: str, opening: int, closing: int | None = None, t0_ns: int = 0, **parts: int) -> dict[str, Any]:
    """What a fund's equity changed by, part by part [atoms]; it closes where the parts lead unless that is said."""
    atoms = {f"{part}_atoms": value for part, value in parts.items()}
    end = opening + sum(parts.values()) if closing is None else closing
    return {"token": name, "t0_ns": t0_ns, "opening_atoms": opening, "closing_atoms": end, **atoms}


def perpetual(market: str) -> dict[str, Any]:
    """Another perpetual."""
    return {**PERP, "market": market}
