"""Worlds of the exact cases in `tests/reference/loop_values.json`, as scenario documents, and what is read of them."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

from marketsim import scenario
from marketsim.simulation.model import MarketModel
from tests.simulation.worlds import ATOMS, SECOND

VALUES = Path(__file__).resolve().parents[1] / "reference" / "loop_values.json"
START = datetime(2024, 1, 1, tzinfo=UTC)
FIRST_S = 60
"""When the cases' time begins, in seconds of the run: the first reset is at 00:01."""

TICK, LOT = Decimal("0.0001"), Decimal("0.0001")


@cache
def cases() -> dict[str, dict[str, Any]]:
    """All cases by id."""
    return {case["id"]: case for case in json.loads(VALUES.read_text("utf-8"))["values"]}


def number(text: str) -> Fraction:
    """`3/10`, `-3` or `60.5` as an exact number."""
    return Fraction(text)


def written(value: Fraction, digits: int = 15) -> str:
    """A number as a scenario writes it."""
    return f"{Decimal(value.numerator) / Decimal(value.denominator):.{digits}f}".rstrip("0").rstrip(".")


def per_unit(case: dict[str, Any]) -> Fraction:
    """b = Lambda P0^2 / K."""
    demand = sum(number(f["L"]) * (number(f["L"]) - 1) * number(f["aum"]) for f in case["funds"])
    return number(case["Lambda"]) * number(case["P0"]) ** 2 / demand


def matching(case: dict[str, Any]) -> dict[str, Any]:
    """The venue "coin" with the case's kernel."""
    kernel, common = (
        case["kernel"],
        {"per_unit": f"{written(per_unit(case))} USDT", "fill": written(number(case["theta"]))},
    )
    if kernel["kind"] == "permanent":
        return {"kind": "linear", **common}
    permanent = f"{written(number(kernel['permanent']) * 100)}%"
    if kernel["kind"] == "exponential":
        decay: dict[str, Any] = {"exponential": {"halflife": f"{kernel['halflife']}s", "permanent": permanent}}
    else:
        gamma = written(number(kernel["gamma"]))
        decay = {"power": {"tau": f"{kernel['tau0']}s", "gamma": gamma, "permanent": permanent}}
    return {"kind": "propagator", **common, "decay": decay}


def path(case: dict[str, Any]) -> list[list[str]]:
    """The baseline: each move multiplies it at its second."""
    level = number(case["P0"])
    points = [["0s", f"{written(level)} USDT"]]
    for at, move in case["moves"]:
        level *= 1 + number(move)
        points.append([f"{FIRST_S + int(at)}s", f"{written(level)} USDT"])
    return points


def token(case: dict[str, Any], fund: dict[str, Any], place: int) -> dict[str, Any]:
    """One fund at its target at P0."""
    spacing, n = int(case["spacing"]), fund["n"]
    execution: dict[str, Any] = {"algorithm": "market"}
    if case["kind"] == "ladder":
        execution = {"algorithm": "ioc_ladder", "slice": f"{case['slice']} USDT", "every": f"{spacing}s"}
    elif n > 1:
        execution = {"algorithm": "twap", "over": f"{n * spacing}s", "slices": n}
    if case["kind"] == "band":
        borders = {border: written(number(fund[border])) for border in ("lower", "upper")}
        rebalance: dict[str, Any] = {"policy": "band", **borders, "poll": "1s"}
    else:
        rebalance = {"policy": "daily", "at": times_of_day(fund)}
        execution["resize"] = fund["resize"]
    return {
        "id": f"FUND{place}",
        "issuer": f"issuer{place}",
        "basket": {"BTC-PERP": fund["L"]},
        "aum": f"{fund['aum']} USDT",
        "nav": "100 USDT",
        "rebalance": rebalance,
        "execution": execution,
    }


def times_of_day(fund: dict[str, Any]) -> list[str]:
    """Its resets, those of later days among them, as times of day."""
    instants = [START + timedelta(seconds=FIRST_S + int(at)) for at in fund["resets"]]
    return list(dict.fromkeys(f"{instant:%H:%M}" for instant in instants))


def read_s(case: dict[str, Any]) -> int:
    """When it is read: h after the last child of the last reset; a band a while after its last order."""
    if case["kind"] == "band":
        return FIRST_S + 300
    spacing = int(case["spacing"])
    last = max(int(fund["resets"][-1]) + (max(fund["n"], 1) - 1) * spacing for fund in case["funds"])
    return FIRST_S + last + int(case["h"])


def document(case: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """A case as a scenario document."""
    market = {
        "id": "BTC-PERP",
        "underlying": "BTC",
        "tick": f"{TICK} USDT",
        "lot": f"{LOT} BTC",
        "fees": {"maker": "0 bps", "taker": "0 bps"},
        "funding": {"interest": "0 bps", "cap": "0 bps"},
        "matching": matching(case),
    }
    return {
        "schema": "marketsim/1",
        "name": "loop",
        "clock": {"start": f"{START:%Y-%m-%dT%H:%M:%SZ}", "duration": f"{read_s(case) + 3600}s"},
        "underlyings": [
            {"id": "BTC", "index": {"kind": "path", "points": path(case), "interpolate": "step", "every": "1s"}}
        ],
        "markets": [{**market, **changes.pop("market", {})}],
        "tokens": [token(case, fund, place) for place, fund in enumerate(case["funds"])],
        **changes,
    }


@dataclass
class Reading:
    """What stands at the end: price and index [quote], units and NAV (at that price) of each fund, orders sent."""

    price: float
    index: float
    units: list[float]
    navs: list[float]
    rebalances: list[dict[str, Any]]
    residual: int


def run(world: dict[str, Any], until_s: float) -> Reading:
    """Run a document to an instant, everything of which has happened."""
    model = MarketModel(scenario.load_text(json.dumps(world)))
    try:
        model.env.run(int(until_s * SECOND))
        mid = model.view.mid("BTC-PERP")
        assert mid is not None
        price, units, navs = mid * float(TICK), [], []
        for desk in model.desks:
            units.append(model.view.position_lots(desk.token.account, "BTC-PERP") * float(LOT))
            navs.append(model.view.cash_atoms(desk.token.account) / ATOMS + units[-1] * price)
            desk.finish(int(model.env.now))
        index = model.view.index_ticks("BTC-PERP") * float(TICK)
        rows = model.journal.take()
        return Reading(price, index, units, navs, rows.get("rebalances", []), model.world.check_conserved())
    finally:
        model.close()
