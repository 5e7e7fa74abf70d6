"""Rows of another layout than the kernel's are refused: it would read them at the wrong places."""

from __future__ import annotations

import numpy as np
import pytest

from marketsim.kernel import layout
from marketsim.kernel.world import World


def test_rows_that_numpy_laid_out_anew_are_refused() -> None:
    rows = np.zeros(2, layout.POSITION)
    apart = np.concatenate([rows, rows])  # gives each of two names of one place a place of its own
    assert apart.dtype.itemsize > layout.POSITION.itemsize
    with pytest.raises(ValueError, match=r"positions are records of 76 bytes; layout\.py says 64"):
        World(
            underlyings=[],
            markets=[],
            cohorts=[],
            groups=[],
            accounts=np.zeros(1, layout.ACCOUNT),
            positions=apart,
            traders=np.zeros(0, layout.TRADER),
            slots=0,
            exponential=np.zeros(1),
        )
