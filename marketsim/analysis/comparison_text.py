"""A comparison of two runs in words."""

from __future__ import annotations

import json

from marketsim.analysis.comparison import Comparison
from marketsim.analysis.parting import Parting
from marketsim.units import NS_PER_DAY


def as_text(found: Comparison) -> str:
    """A comparison as lines for a person."""
    lines = [f"a  {found.a}", f"b  {found.b}", "", *_said_of_identity(found), "", _said_of_parting(found.parting)]
    for pair in found.correlations:
        overall = "not known" if pair.overall is None else f"{pair.overall:.4f}"
        fell = "never" if pair.fell_ns is None else _clock(pair.fell_ns)
        lines.append(
            f"{pair.market}: correlation of 1-minute returns {overall}; that of an hour below one half: {fell}"
        )
    width = max((len(name) for name in found.figures), default=0)
    lines += ["", f"{'':<{width}}  {'a':>18} {'b':>18} {'b - a':>18}"]
    for name, values in found.figures.items():
        lines.append(f"{name:<{width}}  " + " ".join(f"{_number(value):>18}" for value in values))
    return "\n".join(lines)


def _said_of_identity(found: Comparison) -> list[str]:
    lines = ["They share all luck." if found.share_luck else "They have different luck: seed or replication differs."]
    if not found.identity:
        lines = ["They are one run: world, luck, arm and code are the same."]
    lines += [
        f"{key}: {_short(a)} | {_short(b)}" for key, (a, b) in found.identity.items() if not key.endswith("_sha256")
    ]
    lines += [f"{path}: {_short(a)} | {_short(b)}" for path, (a, b) in found.scenario.items()]
    different = [table for table, same in found.tables.items() if not same]
    lines.append(f"tables that differ: {', '.join(different) or 'none'}")
    return lines


def _said_of_parting(parting: Parting | None) -> str:
    if parting is None:
        return "They never part."
    rows = "\n".join(f"  {name}  {_short(row)}" for name, row in (("a", parting.a), ("b", parting.b)))
    return f"They part at {_clock(parting.t_ns)}, in row {parting.row} of {parting.table}:\n{rows}"


def _short(value: object) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _clock(t_ns: int) -> str:
    days, rest = divmod(t_ns, NS_PER_DAY)
    seconds = rest / 1e9
    hours, minutes = int(seconds // 3600), int(seconds % 3600 // 60)
    return f"{f'{days} d ' if days else ''}{hours:02d}:{minutes:02d}:{seconds % 60:09.6f} ({t_ns} ns) from the start"


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.4f}".rstrip("0").rstrip(".")
