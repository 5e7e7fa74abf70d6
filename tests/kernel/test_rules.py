"""Rules of trader groups: a file each, numbers by name, no rule by mistake, and rules of others called by address."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from marketsim.clock import MarketEnvironment
from marketsim.errors import KernelError
from marketsim.kernel import codes, layout, rules
from marketsim.kernel.external import external_rule
from marketsim.kernel.records import JIT_OFF
from marketsim.kernel.rescaling import rescale_market
from marketsim.kernel.rule import Rule, group_parameters, own_numbers, reads_own, reads_parameters
from marketsim.kernel.world import World
from marketsim.streams import exponential_table
from tests.kernel.checks import check_world
from tests.kernel.crowds import advance, crowd
from tests.kernel.external_noise import external_noise
from tests.kernel.worlds import SECOND, MarketPlan, Plan, account_tables, market_fields

ROOT = Path(__file__).resolve().parents[2]
KERNEL = ROOT / "marketsim" / "kernel"

PARAMETERS = group_parameters(("weight", "f8"), ("cap_lots", "i8"), ("table", "i8"))
OWN = own_numbers(("share", "f8"), ("floor_ticks", "i8"))
parameters_of, own_of = reads_parameters(PARAMETERS), reads_own(OWN)


@external_rule(PARAMETERS, OWN, tables={"table": "f8"})
def thrifty(w: Any, g: Any, m: Any, trader: Any, index: int, wakeup: int, delay: int) -> None:
    """Count wake-ups: add one to the trader's floor, or fail where the group's cap says so."""
    if wakeup > parameters_of(g).cap_lots:
        raise ValueError("more wake-ups than the cap")
    own_of(trader).floor_ticks += 1


def one_group(rule: Any, count: int = 3, **fields: Any) -> World:
    """A world of one group that wakes once a second each, on a market without a quote."""
    plan = Plan((10**12,) * count, (MarketPlan(),))
    accounts, positions, _ = account_tables(plan)
    traders = np.zeros(count, layout.TRADER)
    traders["account"] = traders["position"] = accounts["trader"][:count] = np.arange(count)
    group = dict(market=0, first_trader=0, count=count, key=np.uint64(1), mean_gap_ns=SECOND / count, slots_each=1)
    world = World(
        underlyings=[dict(level=10_000.0, every_ns=SECOND, next_ns=SECOND, absolute=1)],
        markets=[market_fields(plan, 0)], cohorts=[dict(group=-1)] * 6, groups=[group | dict(rule=rule) | fields],
        accounts=accounts, positions=positions, traders=traders, slots=count, exponential=exponential_table(),
    )  # fmt: skip
    world.give_path(0, 0, np.full(1_000, 10_000.0))
    world.open()
    return world


def thrifty_world(cap_lots: int) -> World:
    parameters = dict(weight=0.5, cap_lots=cap_lots, table=[1.0, 2.0])
    return one_group(thrifty, parameters=parameters, own=dict(share=[0.1, 0.2, 0.3], floor_ticks=7))


# ---- the files


def test_codes_count_through_the_files_in_alphabetical_order() -> None:
    files = sorted(path.stem for path in (KERNEL / "rules").glob("*.py") if path.stem != "__init__")
    assert list(rules.RULES) == list(rules.CODES) == files
    assert list(rules.CODES.values()) == list(range(len(files)))


NEW_RULE = """
from marketsim.kernel.rule import own_numbers, reads_own, rule

OWN = own_numbers(("woken", "i8"))
own_of = reads_own(OWN)


@rule(own=OWN)
def counting(w, g, m, trader, index, wakeup, delay):
    own_of(trader).woken += 1
"""
USES_IT = """
from tests.kernel.test_rules import one_group
from marketsim.kernel import codes, rules
world = one_group("counting", own=dict(woken=0))
assert world.advance(100_000_000_000, codes.PH_RECORD) == codes.STOP_REACHED
counted = rules.RULES["counting"].own_column(world.members(0), "woken").sum()
print(rules.CODES["counting"], counted == world.get("wakeups") > 200)
"""


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the project that may be changed."""
    for folder in ("marketsim", "tests"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def run(package: Path, code: str) -> "subprocess.CompletedProcess[str]":
    there = {**os.environ, "PYTHONPATH": str(package), "NUMBA_DISABLE_JIT": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", code], cwd=package, env=there, capture_output=True, text=True, check=False
    )


def test_a_file_more_is_a_rule_more_and_another_hash_of_the_sources(package: Path) -> None:
    ask = "from marketsim.kernel import source_hash; print(source_hash())"
    before = run(package, ask).stdout
    file = package / "marketsim" / "kernel" / "rules" / "counting.py"
    file.write_text(NEW_RULE)
    with_it = run(package, ask).stdout
    done = run(package, USES_IT)
    assert done.stdout.split() == ["0", "True"], done.stderr
    file.write_text(NEW_RULE.replace("+= 1", "+= 2"))
    assert len({before, with_it, run(package, ask).stdout}) == 3


@pytest.mark.parametrize("text", ["", NEW_RULE.replace("counting", "countng")])
def test_a_file_without_a_rule_of_its_name_is_refused_when_the_kernel_is_imported(package: Path, text: str) -> None:
    (package / "marketsim" / "kernel" / "rules" / "counting.py").write_text(text)
    done = run(package, "import marketsim.kernel.rules")
    assert "it must declare one, 'counting'" in done.stderr.splitlines()[-1]


def test_codes_and_the_specs_of_traders_do_not_load_the_compiler() -> None:
    names = "noise fundamentalist trend retail holder market_maker".split()
    code = f"import sys, marketsim.kernel.codes\nfor name in {names}: __import__('marketsim.traders.kinds.' + name)\n"
    done = run(ROOT, code + "print('numba' in sys.modules)")
    assert done.stdout.strip() == "False", done.stderr


# ---- numbers by name


@pytest.mark.parametrize(
    ("rule", "parameters", "own", "message"),
    [
        ("nois", {}, {}, "no trader rule is called 'nois'; there are fcn, fundamentalist, holder"),
        ("fundamentalist", {"capacity": 1.0}, {}, "has no parameter 'capacity'; it has close, slice_ticklots"),
        ("fundamentalist", {"close": 0.0}, {}, "lacks the parameter slice_ticklots, refill_threshold"),
        ("retail", None, {"f0": 3.0}, "'retail' has no own number 'f0'; it has leverage"),
        ("retail", None, {}, "lacks the own number leverage"),
        (thrifty, {"weight": 1.0, "cap_lots": 1, "table": None}, {}, "its table 'table' was None"),
    ],
)
def test_a_number_or_a_rule_that_is_not_known_or_not_there_is_refused_when_the_world_is_built(
    rule: Any, parameters: dict[str, Any] | None, own: dict[str, Any], message: str
) -> None:
    if parameters is None:
        parameters = dict.fromkeys(rules.RULES[rule].parameters.names or (), 1)
    with pytest.raises(ValueError, match=message):
        one_group(rule, parameters=parameters, own=own)


def test_more_numbers_than_a_record_has_room_for_are_refused() -> None:
    group_parameters(*((f"n{i}", "i8") for i in range(32)))
    with pytest.raises(ValueError, match=r"take 264 bytes .* a record has room for 256"):
        group_parameters(*((f"n{i}", "i8") for i in range(33)))
    with pytest.raises(ValueError, match="take 24 bytes"):
        own_numbers(("a", "f8"), ("b", "f8"), ("c", "i8"))


def test_a_table_of_records_laid_out_otherwise_is_refused() -> None:
    plan = Plan((10**9,))
    accounts, positions, _ = account_tables(plan)
    wide = positions.astype([(name, "i8") for name in positions.dtype.names or ()])
    with pytest.raises(ValueError, match=r"positions are records of 88 bytes; layout\.py says 64"):
        World(
            underlyings=[], markets=[], cohorts=[], groups=[], accounts=accounts, positions=wide,
            traders=np.zeros(0, layout.TRADER), slots=0, exponential=exponential_table(),
        )  # fmt: skip


def test_prices_and_lots_among_a_rules_numbers_follow_a_change_of_units() -> None:
    world = thrifty_world(12)
    rescale_market(world, 0, 4)  # a new lot is four old ones
    view = world.groups[0]["parameters"].view(PARAMETERS)
    assert (view["weight"][0], view["cap_lots"][0]) == (0.5, 3)
    assert thrifty.own_column(world.members(0), "floor_ticks").tolist() == [28, 28, 28]
    assert thrifty.own_column(world.members(0), "share").tolist() == [0.1, 0.2, 0.3]


# ---- no rule by mistake


def test_a_code_that_stands_for_nothing_stops_the_run_and_names_group_and_code() -> None:
    world = crowd(5)
    world.groups[2]["rule"] = 99
    before = world.get("order_count")
    with pytest.raises(KernelError, match=r"trader group 2 .* its rule code was 99; codes are 0 fcn, 1 fundament"):
        MarketEnvironment(world, {"m": 0}, 60 * SECOND).run()
    assert world.get("now_ns") < 10 * SECOND  # 30 traders who wake 1.5 times a second
    assert world.get("order_count") >= before


def test_a_group_without_a_rule_never_wakes() -> None:
    world = one_group(None, mean_gap_ns=0.0)
    assert world.advance(100 * SECOND, codes.PH_RECORD) == codes.STOP_REACHED
    assert world.get("wakeups") == 0
    with pytest.raises(KernelError, match=r"trader group 0 .* its rule code was -1"):
        MarketEnvironment(one_group(None), {"m": 0}, 60 * SECOND).run()


# ---- rules of others


def test_an_external_rule_reads_and_writes_the_numbers_of_its_group() -> None:
    world = thrifty_world(10**6)
    assert world.advance(100 * SECOND, codes.PH_RECORD) == codes.STOP_REACHED
    woken = world.traders["wakeups"]
    assert woken.sum() == world.get("wakeups") > 200
    assert thrifty.own_column(world.members(0), "floor_ticks").tolist() == (7 + woken).tolist()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_an_external_rule_that_raises_stops_the_run_and_is_named() -> None:
    by_address = KernelError, r"the rule 'thrifty' of trader group 0 .* raised an exception"
    error, message = (ValueError, "more wake-ups than the cap") if JIT_OFF else by_address
    with pytest.raises(error, match=message):
        MarketEnvironment(thrifty_world(5), {"m": 0}, 60 * SECOND).run()


@pytest.mark.parametrize("is_spot", [False, True])
def test_the_noise_rule_by_address_lives_the_life_of_the_noise_rule_built_in(is_spot: bool) -> None:
    built_in, by_address = crowd(5, is_spot=is_spot), crowd(5, is_spot=is_spot, noise=external_noise)
    assert isinstance(external_noise, Rule)
    assert by_address.groups[0]["rule"] == codes.EXTERNAL_RULE
    rows = advance(built_in, 120 * SECOND)
    assert advance(by_address, 120 * SECOND) == rows
    assert by_address.digest() == built_in.digest()
    assert built_in.get("cancel_count") > 100
    check_world(by_address)


def test_an_external_rule_does_the_same_without_the_compiler() -> None:
    code = "from tests.kernel.test_rules import external_life\nprint(external_life())"
    done = run(ROOT, code)
    assert done.stdout.strip() == external_life(), done.stderr


def external_life() -> str:
    """Digest of a crowd whose noise traders act by address."""
    world = crowd(6, noise=external_noise)
    advance(world, 60 * SECOND)
    return world.digest()
