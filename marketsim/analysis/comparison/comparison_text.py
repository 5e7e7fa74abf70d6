"""A comparison of two runs in words, as `marketsim compare` prints it."""

from __future__ import annotations

import json

from marketsim.analysis.comparison.first_divergence import Divergence
from marketsim.analysis.comparison.run_comparison import Comparison
from marketsim.units import NS_PER_DAY


def as_text(found: Comparison) -> str:
    """A comparison as lines of text."""
    lines = [f"a  {found.a}", f"b  {found.b}", "", *_identity(found), "", _divergence(found.divergence)]
    for pair in found.correlations:
        overall = "unknown" if pair.overall is None else f"{pair.overall:.4f}"
        fell = "never fell below 0.5" if pair.fell_ns is None else f"first fell below 0.5 at {_clock(pair.fell_ns)}"
        lines.append(f"{pair.market}: correlation of 1-minute returns {overall}; over an hour it {fell}")
    width = max((len(name) for name in found.figures), default=0)
    lines += ["", f"{'':<{width}}  {'a':>18} {'b':>18} {'b - a':>18}"]
    for name, values in found.figures.items():
        lines.append(f"{name:<{width}}  " + " ".join(f"{_number(value):>18}" for value in values))
    return "\n".join(lines)


def _identity(found: Comparison) -> list[str]:
    lines = ["They have common random numbers: seed and replication are the same."]
    if not found.has_common_random_numbers:
        lines = ["They have different random numbers: seed or replication differs."]
    if not found.identity:
        lines = ["They are the same run: world, random numbers, arm and code are equal."]
    lines += [
        f"{key}: {_short(a)} | {_short(b)}" for key, (a, b) in found.identity.items() if not key.endswith("_sha256")
    ]
    lines += [f"{path}: {_short(a)} | {_short(b)}" for path, (a, b) in found.scenario.items()]
    different = [table for table, same in found.tables.items() if not same]
    lines.append(f"tables that differ: {', '.join(different) or 'none'}")
    return lines


def _divergence(divergence: Divergence | None) -> str:
    if divergence is None:
        return "They never diverge."
    rows = "\n".join(f"  {name}  {_short(row)}" for name, row in (("a", divergence.a), ("b", divergence.b)))
    where = f"row {divergence.row} of {divergence.table}"
    return f"They diverge at {_clock(divergence.t_ns)}, in {where}:\n{rows}"


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
