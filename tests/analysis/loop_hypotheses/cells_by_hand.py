"""Cells of a study of the loop made by hand: sums of replications in which theory holds up to what is added."""

from collections.abc import Sequence

import numpy as np

from marketsim.analysis.loop_hypotheses.loop_cells import LoopCell
from marketsim.analysis.loop_hypotheses.registered_tests import CellLabel
from marketsim.analysis.loop_hypotheses.reset_sums import ResetSums

NONE = np.zeros(0)
SIZES = np.array([0.5, 1.0, 2.0])
WANTED = 1e6
"""K r [currency]."""


def once(crowding: float, push: float, *, exponent: float = 1.0, move: float = 0.01, traded: float = 1.0) -> ResetSums:
    """A reset of 1 M sized once: its probes push Lambda r, Lambda r s^d at other sizes; it pushed `push` r."""
    pushes = crowding * move * SIZES**exponent
    return ResetSums(
        move=move, wanted=WANTED, traded=traded * WANTED, push=push * move, own=WANTED, own_end=crowding * move,
        own_later=crowding * move, size=WANTED * SIZES, end=pushes, later=pushes, sent=NONE, moves=NONE, child=0.0,
        at_once=0.0, seen=NONE, alive=NONE, alive_later=NONE,
    )  # fmt: skip


def children(
    crowding: float, push: float, sent: Sequence[float], *, alive: Sequence[float], exponent: float = 1.0,
    move: float = 0.01, moves: Sequence[float] | None = None,
) -> ResetSums:  # fmt: skip
    """A reset whose children traded `sent` [K r]; `alive`: of one child m children later; the probes are as `once`."""
    n = len(sent)
    child = crowding / n * move * np.array(alive)
    found = once(crowding, push, exponent=exponent, move=move, traded=sum(sent))
    of_children = {
        "sent": WANTED * np.array(sent), "moves": move * np.array(moves or [1.0] * n), "child": WANTED / n,
        "at_once": float(child[0]), "seen": child, "alive": child[::-1], "alive_later": child[::-1],
    }  # fmt: skip
    return ResetSums(**{**vars(found), **of_children})


def cell(number: int, rule: str, sums: Sequence[ResetSums], **label: object) -> LoopCell:
    """A cell of these replications; way, level, size and sign as told."""
    told = {"way": "assets", "level": 0.2, "size": 0.01, "sign": 1.0, **label}
    return LoopCell(number, CellLabel(**told), rule, dict(enumerate(sums)), 0, 0)  # type: ignore[arg-type]
