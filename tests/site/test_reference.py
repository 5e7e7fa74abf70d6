"""The reference pages say what the code says: each kind, key, table, column and command is on its page."""

import re

from marketsim.datasets.tables import TABLES
from marketsim.kinds import families
from marketsim.site import commands_reference, kinds_reference, language_reference, python_reference, tables_reference


def rows(page: str, heading: str) -> dict[str, list[str]]:
    """The rows below a heading, by their first cell."""
    _, _, rest = page.partition(f"\n{heading}\n")
    block = re.split(r"^(?:#|\()", rest, maxsplit=1, flags=re.MULTILINE)[0]
    cells = [line.strip("|").split(" | ") for line in block.splitlines() if line.startswith("| `")]
    return {row[0].strip(): [cell.strip() for cell in row[1:]] for row in cells}


def test_every_kind_stands_with_its_keys_limits_defaults_and_source() -> None:
    page = kinds_reference.written()
    for family in families().values():
        for word in family.kinds:
            assert re.search(rf"`(?:[\w ]+: )?{word}`", page), f"{family.name} {word}"
    maker = rows(page, "### `kind: market_maker`")
    assert maker["`skew`"] == ["rate: 5 bps, 0.05%, 0", "0% to 100%", "`0.35%`"]
    assert maker["`levels`"][1:] == ["1 to 64", "`9`"]
    assert maker["`capital`"][2] == "required"
    assert "Source: `marketsim.traders.kinds.market_maker`" in page
    assert "`daily: " not in page


def test_keys_of_parts_say_what_they_take_and_lead_to_what_they_are_made_of() -> None:
    page = language_reference.written()
    perp = rows(page, "## Market")
    assert perp["`tick`"][0] == "money, prefixes k M G (`25 kUSDT`)"
    assert perp["`funding`"][0].startswith("[Funding](language.md#spec-funding)")
    funding = rows(page, "## Funding")
    assert funding["`every`"] == ["duration: 250ms 5s 2min 8h 3d 1d12h", "more than 0s, at most 1d", "`8h`"]
    token = rows(page, "## Token")
    assert token["`rebalance`"][0].startswith("[`band`](kinds.md#spec-band) or [`daily`](kinds.md#spec-daily)")
    assert "[products.md#gate](../products.md#gate)" in page
    anchors = set(re.findall(r"^\((spec-[\w-]+)\)=$", page + kinds_reference.written(), re.MULTILINE))
    assert set(re.findall(r"\.md#(spec-[\w-]+)\)", page + kinds_reference.written())) <= anchors


def test_every_table_and_column_stands_with_unit_and_meaning() -> None:
    page = tables_reference.written()
    for table in TABLES.values():
        assert [f"`{column.name}`" for column in table.columns] == list(rows(page, f"## {table.name}")), table.name


def test_every_command_stands_with_its_options() -> None:
    page = commands_reference.written()
    headings = re.findall(r"^## (.+)$", page, re.MULTILINE)
    assert {"marketsim run", "marketsim dataset", "marketsim dataset build", "marketsim list"} <= set(headings)
    assert len(headings) == len(set(headings)) >= 20
    assert "--time-limit DURATION" in page


def test_python_stands_with_signatures_as_they_are_written() -> None:
    page = python_reference.written()
    assert (
        "{py:function} marketsim.run(scenario: str | Path | Mapping[str, Any] | Scenario, *, seed: int | None = None"
        in page
    )
    assert "{py:method} marketsim.Agent.until(time_of_day: str) -> Any" in page
    assert page.count("```pycon") == page.count("```\n") - page.count("```python")
