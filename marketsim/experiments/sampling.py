"""Points of a sampled design in the unit cube, from the study's own stream: a row per cell, a column per axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import qmc

from marketsim.streams import Stream

Points = NDArray[np.float64]

STREAM = "study:design"
MORRIS_LEVELS = 4
"""Levels an axis has on a Morris trajectory; a step is 2/3 of the axis."""


def sample(kind: str, points: int, axes: int, seed: int) -> Points:
    """The points of a design (cells, axes), each in [0, 1].

    kind: `lhs`, a Latin hypercube (McKay, Beckman & Conover 1979); `sobol`, scrambled Sobol' points (Owen 1998), of
    which more only add to those there; `saltelli` and `morris` as below.
    """
    if kind == "saltelli":
        return saltelli(points, axes, seed)
    if kind == "morris":
        return morris(points, axes, seed)
    if kind == "lhs":
        return np.asarray(qmc.LatinHypercube(axes, rng=_generator(seed)).random(points))
    return np.asarray(qmc.Sobol(axes, rng=_generator(seed)).random(points))


def saltelli(points: int, axes: int, seed: int) -> Points:
    """Base points A and B and the mixtures that Sobol indices need: `points` blocks of A, AB_1 .. AB_d, B.

    AB_i is A with the i-th coordinate of B (Saltelli et al. 2010, table 2); A and B are the halves of a Sobol' sequence
    in twice as many dimensions.
    """
    both = np.asarray(qmc.Sobol(2 * axes, rng=_generator(seed)).random(points))
    a, b = both[:, :axes], both[:, axes:]
    mixed = [np.where(np.arange(axes) == i, b, a) for i in range(axes)]
    return np.stack([a, *mixed, b], axis=1).reshape(points * (axes + 2), axes)


def morris(trajectories: int, axes: int, seed: int) -> Points:
    """Trajectories through the unit cube on which each axis moves once, by 2/3 of it, in random order and direction.

    `axes` + 1 points each, on levels 0, 1/3, 2/3, 1, all equally likely (Morris 1991, section 3).
    """
    stream = Stream(seed, 0, STREAM)
    who, which = np.arange(trajectories)[:, None], np.arange(axes)[None, :]
    step = MORRIS_LEVELS / (2 * (MORRIS_LEVELS - 1))
    low = stream.integers(MORRIS_LEVELS // 2, who, which, 1) / (MORRIS_LEVELS - 1)
    begins_low = stream.integers(2, who, which, 2) == 1
    turn = np.argsort(np.argsort(stream.uniform(who, which, 3), axis=1), axis=1)  # when each axis moves
    moved = turn[:, None, :] < np.arange(axes + 1)[None, :, None]
    is_low = np.where(moved, ~begins_low[:, None, :], begins_low[:, None, :])
    path = np.where(is_low, low[:, None, :], low[:, None, :] + step)
    return np.asarray(np.minimum(path, 1.0).reshape(trajectories * (axes + 1), axes))


def _generator(seed: int) -> np.random.Generator:
    """NumPy's generator for SciPy, seeded from the study's own stream."""
    return np.random.default_rng(int(Stream(seed, 0, STREAM).bits(0, 0)))
