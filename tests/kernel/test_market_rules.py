"""Rules of a market that the kernel works out: mark, liquidation, deleveraging. One file each, chosen by a code."""

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from marketsim.clock import MarketEnvironment
from marketsim.errors import KernelError
from marketsim.kernel import deleveraging_rules, liquidation_engines, mark_rules
from marketsim.kernel.dispatch import functions_of
from marketsim.kinds import Family
from marketsim.venues.deleveraging.family import DELEVERAGING_RULES
from marketsim.venues.engines.family import LIQUIDATION_ENGINES
from marketsim.venues.marks.family import MARK_RULES, MarkRule
from tests.kernel.crowds import crowd
from tests.kernel.worlds import SECOND

FOLDERS = [
    (mark_rules, MARK_RULES),
    (liquidation_engines, LIQUIDATION_ENGINES),
    (deleveraging_rules, DELEVERAGING_RULES),
]


@pytest.mark.parametrize(("folder", "family"), FOLDERS, ids=lambda each: getattr(each, "__name__", ""))
def test_each_file_has_a_code_and_a_kind_of_its_name_in_venues(folder: ModuleType, family: Family[Any]) -> None:
    files = sorted(path.stem for path in Path(folder.__path__[0]).glob("*.py") if path.stem != "__init__")
    assert list(folder.CODES) == files == list(family.kinds)
    assert [kind.kernel_code() for kind in family.kinds.values()] == list(range(len(files)))


def test_a_mark_rule_without_a_file_in_the_kernel_is_refused_when_it_is_declared() -> None:
    with pytest.raises(TypeError, match=r"the kernel has no 'median_of_five'; it needs a file kernel/mark_rules/"):
        type("FiveMark", (MarkRule,), {"name": "median_of_five"})


def test_a_file_without_a_function_of_its_name_is_refused() -> None:
    with pytest.raises(ImportError, match=r"worlds\.py has no function 'worlds'"):
        functions_of("tests.kernel", {"worlds": 0})


def test_a_code_that_no_file_has_stops_the_run_and_names_market_and_codes() -> None:
    world = crowd(5)
    world.markets[0]["mark_rule"] = 99
    with pytest.raises(KernelError, match=r"market 0 has a code that no file of the kernel has: mark_rule 99, liq"):
        MarketEnvironment(world, {"m": 0}, 60 * SECOND).run()
    assert world.get("now_ns") < 10 * SECOND
