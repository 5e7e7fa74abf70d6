"""The array types of this room: floats, instants and counts as NumPy arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
"""Instants [ns], prices [ticks], or the numbers of clusters."""
Flags = NDArray[np.bool_]
