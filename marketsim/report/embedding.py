"""How a chart gets into a page: a drawing for paper and for readers without script, and what the script draws from.

A figure holds the drawing (SVG), the chart without its data (JSON), and its tables (JSON, by column). A table has the
hash of its content for a name, so that charts share it and the page keeps it once. All JSON is escaped so that no text
of a scenario can close its element.
"""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

import vl_convert

from marketsim.report.charts.look import DARK, LIGHT
from marketsim.report.markup import Markup, text

_FULL, _HALF, _COLUMNS = 1_000, 480, 3
_BESIDE = 66
"""Width that axis and gaps take of a small multiple, in the drawing [pixels]."""

_DOOR = "window.vegaEmbed = vegaEmbed;"
"""What the page's own script may use of the libraries."""

_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def figure(chart: Any, caption: str, *, half: bool = False) -> Markup:
    """A chart with its caption; the caption is also what a screen reader says instead of it."""
    spec = chart.to_dict(validate=False)  # each is checked in the tests, against the schema
    spec.pop("$schema", None)
    spec.pop("config", None)
    tables = {name: rows for name, rows in spec.pop("datasets", {}).items() if rows}
    drawing = _drawing(spec, tables, half=half)
    kept = "".join(_table(name, rows) for name, rows in tables.items())
    kind = ' class="half"' if half else ""
    return Markup(
        f'<figure{kind}><div class="still" role="img" aria-label="{text(caption)}">{drawing}</div>'
        f'<div class="live" aria-hidden="true"></div>{kept}'
        f'<script type="application/json" class="chart">{_json(spec)}</script>'
        f"<figcaption>{text(caption)}</figcaption></figure>\n"
    )


def _drawing(spec: Mapping[str, Any], tables: Mapping[str, Any], *, half: bool) -> str:
    """The chart as inline SVG, its identifiers numbered from 0, its coordinates cut to a tenth of a pixel."""
    width, spec = _HALF if half else _FULL, _still(spec)
    if "facet" in spec:
        own = _COLUMNS if spec.get("resolve", {}).get("scale", {}).get("y") == "independent" else 1
        inner = {**spec["spec"], "width": (width - _BESIDE * own) // _COLUMNS - 20}
        sized = {**spec, "spec": inner, "columns": _COLUMNS}
    else:
        sized = {**spec, "width": width, "autosize": {"type": "fit-x", "contains": "padding"}}
    config = {**LIGHT, "legend": {**LIGHT["legend"], "columns": 2 if half else 6}}
    # No address is allowed: the data is in the chart, and a drawing must never fetch anything.
    svg = vl_convert.vegalite_to_svg({**sized, "config": config, "datasets": tables}, allowed_base_urls=[])
    # The renderer numbers its identifiers over the life of the process; equal runs must give equal bytes.
    for number, name in enumerate(dict.fromkeys(re.findall(r' id="(\w+)"', svg))):
        svg = re.sub(rf'(?<= id="){name}(?=")|(?<=url\(#){name}(?=\))', f"part-{number}", svg)
    svg = re.sub(r' (?:d|transform)="[^"]*"', lambda path: re.sub(r"(\.\d)\d+", r"\1", path.group()), svg)
    return re.sub(r' xmlns(:xlink)?="[^"]*"| version="1.1"', "", svg)


def _still(part: Any) -> Any:
    """A chart as paper shows it: without what answers a pointer, and without the marks that only a pointer finds."""
    if isinstance(part, list):
        return [_still(one) for one in part if not _answers(one)]
    if isinstance(part, dict):
        return {key: _still(one) for key, one in part.items() if key != "params"}
    return part


def _answers(part: Any) -> bool:
    """Whether a layer is seen only under the pointer, or a filter only chooses what the legend leaves in."""
    if not isinstance(part, dict):
        return False
    opacity, chosen = part.get("encoding", {}).get("opacity", {}), part.get("filter")
    return "condition" in opacity or (isinstance(chosen, dict) and "param" in chosen)


def _table(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows by column; a column of words as the words and how often each is repeated in a row."""
    columns = {column: [row.get(column) for row in rows] for column in dict.fromkeys(itertools.chain(*rows))}
    told = {column: _runs(values) if _is_words(values) else values for column, values in columns.items()}
    return f'<script type="application/json" class="table" id="{name}">{_json(told)}</script>'


def _is_words(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def _runs(values: Sequence[Any]) -> dict[str, Any]:
    words = {word: place for place, word in enumerate(dict.fromkeys(values))}
    return {"words": list(words), "runs": [[words[word], len(list(own))] for word, own in itertools.groupby(values)]}


def _json(value: Any) -> str:
    """JSON that can stand in a page: nothing in it can close its element or begin another."""
    said = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return re.sub("[<>&\u2028\u2029]", lambda found: _ESCAPES[found.group()], said)


def finished(page: str) -> str:
    """A page whose drawings share no identifier and that keeps each table once."""
    count, seen = itertools.count(1), set[str]()

    def prefixed(drawing: re.Match[str]) -> str:
        return re.sub(r'(?<= id=")part-|(?<=url\(#)part-', f"drawing-{next(count)}-", drawing.group())

    def once(table: re.Match[str]) -> str:
        first = table[1] not in seen
        seen.add(table[1])
        return table.group() if first else ""

    page = re.sub(r'<svg class="marks".*?</svg>', prefixed, page, flags=re.DOTALL)
    return re.sub(r'<script type="application/json" class="table" id="([\w-]+)">.*?</script>', once, page)


@lru_cache(maxsize=1)
def scripts() -> tuple[str, str]:
    """The libraries and the page's own script, as they stand between their tags."""
    own = files("marketsim.report").joinpath("page.js").read_text(encoding="utf-8")
    return vl_convert.javascript_bundle(_DOOR).replace("</script", "<\\/script"), own


def script_elements() -> Markup:
    """The scripts of a page that has charts, and the looks they draw with."""
    looks = _json({"light": LIGHT, "dark": DARK})
    made = "".join(f"<script>{each}</script>\n" for each in scripts())
    return Markup(f'<script type="application/json" id="looks">{looks}</script>\n{made}')


def policy(*, scripted: bool) -> Markup:
    """The page's content security policy: no address at all, and no script but its own, which it knows by hash."""
    allowed = " ".join(f"'sha256-{_hash(each)}'" for each in scripts()) if scripted else "'none'"
    rules = f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
    return Markup(f'<meta http-equiv="Content-Security-Policy" content="{rules}">\n')


def _hash(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
