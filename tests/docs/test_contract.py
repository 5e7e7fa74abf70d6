"""The contract's page says which words of each family there are and which are to come, as the registers have it."""

import re

import pytest

from marketsim.events.family import EVENTS
from marketsim.issuers.algorithms.family import EXECUTIONS
from marketsim.issuers.policies.family import POLICIES
from marketsim.kinds import Family
from marketsim.networks.influence import NETWORKS
from marketsim.traders.group import TRADERS
from marketsim.venues.deleveraging.family import DELEVERAGING_RULES
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.index.family import INDICES
from marketsim.venues.marks.family import MARK_RULES
from tests.docs.pages import PACKAGE

PAGE = (PACKAGE / "docs" / "contract.md").read_text(encoding="utf-8")
FAMILIES = {
    "index": INDICES, "mark": MARK_RULES, "rebalance": POLICIES, "execution": EXECUTIONS, "trader": TRADERS,
    "network": NETWORKS, "event": EVENTS, "liquidation engine": LIQUIDATION_ENGINES, "deleveraging": DELEVERAGING_RULES,
}  # fmt: skip


def words(cell: str) -> set[str]:
    """The words between backticks; of keys to come none."""
    return {word for part in re.findall(r"(?<!key )`([^`]+)`", cell) for word in part.split()}


@pytest.mark.parametrize(("row", "family"), FAMILIES.items(), ids=FAMILIES)
def test_the_table_of_words_is_that_of_the_registers(row: str, family: Family[object]) -> None:
    (line,) = re.findall(rf"^\| {row} \| (.*) \|$", PAGE, re.MULTILINE)
    there, to_come = line.split("|")
    own = {word for word, kind in family.kinds.items() if family.plugin_of(kind) is None}
    assert words(there) == own
    assert words(to_come) == set(family.announced) - own


TIMES = {"H": ("0s", "1min", "5min", "30min", "2h", "H"), "next": ("0s", "2min", "30min", "next")}


def _in_full(cell: str) -> str:
    """A cell with `NAME_0s` to `NAME_LAST` written out."""
    found = re.fullmatch(r"`(\w+)_0s` to `\1_(\w+)`", cell)
    return cell if found is None else " ".join(f"`{found[1]}_{time}`" for time in TIMES[found[2]])


def test_measures_of_the_table_are_those_of_the_register() -> None:
    from marketsim.analysis.measures.family import MEASURES

    table = PAGE[PAGE.index("\n## Measures") : PAGE.index("\n## Inference")]
    said = {word for row in re.findall(r"^\| ([^|]*`[^|]*) \|", table, re.MULTILINE) for word in words(_in_full(row))}
    own = {word for word, kind in MEASURES.kinds.items() if MEASURES.plugin_of(kind) is None}
    assert said == own


def test_commands_of_the_table_are_those_there_are() -> None:
    from marketsim.cli import main

    table = PAGE[PAGE.index("\n## Commands") : PAGE.index("\n## Exit codes")]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    said = {part.split()[0] for row in rows for part in re.findall(r"`([^`]+)`", row)}
    assert said == set(main.commands)
