"""Whatever is written into a scenario, it loads or it is refused with places and words; nothing else happens."""

import copy
import json
import random
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from marketsim.scenario.loader import read
from marketsim.scenario.nodes import Problems, plain
from tests.scenario.worlds import messages

CASES = Path(__file__).parents[2] / "scenarios/cases/valid"
WRONG: list[Any] = [
    *(None, True, 0, -1, 10**30, Decimal("1.5"), "", "x", "none", "5 bps", "-5%", "0%/yr", "1000000%/yr", "1h", "0s"),
    *("-1 USDT", "0 USDT", "1e9", "99999999999999999999 GUSDT", "3 BTC", "00:02", "0/h", "2024-01-01T00:00:00Z"),
    *([], {}, [1], {"a": 1}, [[]], [None], {"id": "X"}, {"uniform": [1, 2]}, {"choice": {}}, {"exponential": "1s"}),
    *({"lognormal": {"median": "5 kUSDT", "sigma": 1}}, {"pareto": {"min": "1 USDT", "alpha": "0.001"}}),
]


def paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield from paths(value[key], (*path, key))


def with_a_mistake(document: Any, luck: random.Random) -> Any:
    document = copy.deepcopy(document)
    path = luck.choice(list(paths(document)))
    around = document
    for part in path[:-1]:
        around = around[part]
    if luck.random() < 0.15:
        del around[path[-1]]
    else:
        around[path[-1]] = luck.choice(WRONG)
    return document


@pytest.mark.parametrize("seed", range(120))
def test_a_scenario_with_mistakes_in_it_loads_or_is_refused_with_words(seed: int) -> None:
    luck = random.Random(seed)
    names = ["everything.yaml", "base.yaml", "crowd.yaml", "spot.yaml"]
    document = plain(read(CASES / luck.choice(names), Problems()))
    for _ in range(luck.choice([1, 1, 2, 3])):
        document = with_a_mistake(document, luck)
    assert all(": " in message for message in messages(json.dumps(document, default=str)))
