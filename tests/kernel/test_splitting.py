"""A run that is cut at any instants is the same run."""

import random

import pytest

from marketsim.kernel import codes
from tests.kernel.checks import check_world
from tests.kernel.crowds import advance, crowd
from tests.kernel.worlds import SECOND

PHASES = (-100, codes.PH_INDEX, codes.PH_MARK, codes.PH_FUNDING, codes.PH_LIQUIDATION, codes.PH_ARRIVAL,
          codes.PH_DELIVERY, codes.PH_DECISION, codes.PH_RECORD)  # fmt: skip
END = 90 * SECOND


@pytest.mark.parametrize("fall", [0.0, -0.004])
def test_one_call_and_thousands_of_cuts_at_random_times_and_phases_end_in_the_same_world(fall: float) -> None:
    whole, cut = crowd(8, fall=fall), crowd(8, fall=fall)
    rows = advance(whole, END)
    luck = random.Random(9)
    instants = [luck.randrange(END) for _ in range(3_000)]
    instants += [luck.randrange(90) * SECOND + luck.choice((0, 0, 3_000_000, 40_000_000)) for _ in range(2_000)]
    pieces: dict[str, list[object]] = {name: [] for name in rows}
    for t, phase in [*sorted((t, luck.choice(PHASES)) for t in instants), (END, codes.PH_RECORD)]:
        for name, more in advance(cut, t, phase).items():
            pieces[name] += more
    assert pieces == rows
    assert cut.digest() == whole.digest()
    check_world(cut)


def test_another_seed_is_another_world() -> None:
    one, other = crowd(8), crowd(9)
    advance(one, END)
    advance(other, END)
    assert one.digest() != other.digest()


def test_a_world_in_which_a_message_on_its_way_differs_has_another_digest() -> None:
    one, other = crowd(8), crowd(8)
    advance(one, END)
    advance(other, END)
    assert one.get("heap_size") > 0
    message = int(one.heap[0]["key"]) & ((1 << 22) - 1)
    one.messages[message]["size_lots"] += 1
    assert one.digest() != other.digest()
