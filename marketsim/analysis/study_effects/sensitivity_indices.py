"""Sensitivity indices: which of the values a study varies matter, by Sobol indices or Morris screening (SALib).

What can be computed depends on the study's design. `{saltelli: N}`: Sobol indices S1 and ST (Saltelli et al. 2010).
`{morris: N}`: mean, mean absolute value and standard deviation of elementary effects, mu, mu_star and sigma (Morris
1991; Campolongo, Cariboni and Saltelli 2007). Any other sample, or a grid, of enough cells: S1 from given data by
random balance designs (Tarantola, Gatelli and Mara 2006, corrected for bias by Plischke 2010). Intervals are 95 %, from
bootstrap resamples of base points, trajectories or cells. An axis enters by the position on it, so that a logarithmic
axis needs no other treatment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from typing import Any

import numpy as np
import polars as pl

from marketsim.analysis.arrays import Floats
from marketsim.datasets.study import Study
from marketsim.errors import EnvironmentLackError, ResultError
from marketsim.scenario.study import SAMPLES
from marketsim.streams import Stream

RESAMPLES = 1_000
RESAMPLES_OF_CELLS = 200
FEWEST_CELLS = 64
"""Fewest cells from which indices can be estimated without a design made for them."""
MORRIS_LEVELS = 4
INSTALL = "pip install -e '.[analysis]'"
COLUMNS = {"path": pl.String, "index": pl.String, "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64}


def measure_sensitivity(study: Study, measure: str, arm: str, versus: str | None = None) -> pl.DataFrame:
    """Indices of every path a study varies, for one measure (paths x indices): path, index, estimate, lo, hi.

    The outcome of a cell is its estimate in effects.parquet: of the arm against `versus`, or of the arm alone where
    that is None. Raises `ResultError` where a cell lacks an outcome that the method needs, and `EnvironmentLackError`
    without SALib.
    """
    kind = study.spec.design.kind
    outcomes = study.effects().filter(
        pl.col("measure") == measure, pl.col("arm") == arm, pl.col("versus").eq_missing(pl.lit(versus, pl.String))
    )
    cells = study.design().join(outcomes.select("cell", "estimate"), on="cell", how="left", maintain_order="left")
    paths, seed = list(study.spec.over), study.declared["seed"]
    if kind not in ("saltelli", "morris"):
        cells = cells.filter(pl.col("estimate").is_not_null())
    missing = cells.filter(pl.col("estimate").is_null())["cell"].to_list()
    if missing:
        raise ResultError(
            f"{study.path}: a {kind} design needs the outcome {measure} of every cell; {len(missing)} of "
            f"{cells.height} have none, the first is cell {missing[0]}; run what failed again"
        )
    places, outcome = _places(cells, paths, kind), cells["estimate"].to_numpy()
    if kind == "saltelli":
        return sobol_indices(outcome, paths, seed)
    if kind == "morris":
        return morris_effects(places, outcome, paths, seed)
    return given_data_indices(places, outcome, paths, seed)


def sobol_indices(outcome: Floats, paths: Sequence[str], seed: int) -> pl.DataFrame:
    """First-order and total Sobol indices (S1, ST) of outcomes (blocks x (axes + 2),) in the order of `saltelli`."""
    _check(outcome, (len(paths) + 2) * 2, "a saltelli design")
    analyze = _salib("sobol")
    with np.errstate(all="ignore"):
        found = analyze(
            _problem(paths), outcome, calc_second_order=False, num_resamples=RESAMPLES, seed=_seed(seed, "sobol")
        )
    return _frame(paths, {"S1": (found["S1"], found["S1_conf"]), "ST": (found["ST"], found["ST_conf"])})


def morris_effects(places: Floats, outcome: Floats, paths: Sequence[str], seed: int) -> pl.DataFrame:
    """Elementary effects (mu, mu_star, sigma) per whole axis, of points (trajectories x (axes + 1), axes) in [0, 1]."""
    _check(outcome, (len(paths) + 1) * 2, "a morris design")
    analyze = _salib("morris")
    found = analyze(
        _problem(paths), places, outcome, num_resamples=RESAMPLES, num_levels=MORRIS_LEVELS,
        seed=_seed(seed, "morris"),
    )  # fmt: skip
    nothing = np.full(len(paths), np.nan)
    mu, mu_star, sigma = (np.asarray(found[name], np.float64) for name in ("mu", "mu_star", "sigma"))
    spread = np.asarray(found["mu_star_conf"], np.float64)
    return _frame(paths, {"mu": (mu, nothing), "mu_star": (mu_star, spread), "sigma": (sigma, nothing)})


def given_data_indices(places: Floats, outcome: Floats, paths: Sequence[str], seed: int) -> pl.DataFrame:
    """First-order indices S1 of any points (cells, axes) in [0, 1] and their outcomes (cells,), at least 64 of them."""
    _check(outcome, FEWEST_CELLS, "an estimate from given data")
    analyze = _salib("rbd_fast")
    found = analyze(_problem(paths), places, outcome, num_resamples=RESAMPLES_OF_CELLS, seed=_seed(seed, "rbd_fast"))
    return _frame(paths, {"S1": (found["S1"], found["S1_conf"])})


def _places(cells: pl.DataFrame, paths: Sequence[str], kind: str) -> Floats:
    """The position of each cell on each axis, in [0, 1]: as sampled, or, for listed values, the middle of its bin."""
    if kind in SAMPLES:
        return cells.select([f"{path}:unit" for path in paths]).to_numpy().astype(np.float64)
    ranks = [cells[f"{path}:value" if f"{path}:value" in cells.columns else path].rank("dense") for path in paths]
    return np.column_stack([(rank.to_numpy() - 0.5) / float(rank.max()) for rank in ranks])  # type: ignore[arg-type]


def _check(outcome: Floats, least: int, what: str) -> None:
    if len(outcome) < least:
        raise ResultError(f"{what} needs the outcomes of {least} cells or more; there are {len(outcome)}")
    if float(np.ptp(outcome)) == 0.0:
        raise ResultError("all cells have the same outcome, so there is no variance to attribute to anything")


def _salib(method: str) -> Callable[..., Any]:
    """An estimator of SALib, which belongs to the extra `analysis`."""
    try:
        return import_module(f"SALib.analyze.{method}").analyze  # type: ignore[no-any-return]
    except ModuleNotFoundError as error:
        raise EnvironmentLackError("SALib, which sensitivity is computed with, is not installed", INSTALL) from error


def _problem(paths: Sequence[str]) -> Mapping[str, object]:
    return {"num_vars": len(paths), "names": list(paths), "bounds": [[0.0, 1.0]] * len(paths)}


def _seed(seed: int, method: str) -> int:
    """A seed for each method, above zero (SALib takes 0 for none)."""
    return int(Stream(seed, 0, f"sensitivity:{method}").integers(2**31, 0, 0)) + 1


def _frame(paths: Sequence[str], indices: Mapping[str, tuple[Any, Any]]) -> pl.DataFrame:
    """Estimates with their half-widths as rows; an unknown half-width gives no interval."""
    rows = []
    for number, path in enumerate(paths):
        for index, (estimates, spreads) in indices.items():
            value, half = float(estimates[number]), float(spreads[number])
            known = bool(np.isfinite(half))
            ends = {"lo": value - half if known else None, "hi": value + half if known else None}
            rows.append({"path": path, "index": index, "estimate": value, **ends})
    return pl.DataFrame(rows, schema=COLUMNS)
