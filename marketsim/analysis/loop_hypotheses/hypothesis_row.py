"""A row of hypotheses.parquet: one registered hypothesis, what it predicts, what was found, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

COLUMNS = {
    "hypothesis": pl.String, "rule": pl.String, "statement": pl.String, "predicted": pl.Float64, "margin": pl.Float64,
    "estimate": pl.Float64, "lo": pl.Float64, "hi": pl.Float64, "lo_90": pl.Float64, "hi_90": pl.Float64,
    "statistic": pl.Float64, "p": pl.Float64, "verdict": pl.String, "method": pl.String, "cells": pl.Int64,
    "replications": pl.Int64, "sentence": pl.String,
}  # fmt: skip
"""Columns of hypotheses.parquet, and their types."""


@dataclass(frozen=True, slots=True)
class HypothesisRow:
    """One hypothesis of the funds that follow a rule.

    estimate: the slope or ratio that is `predicted`, with its 95 % interval (lo, hi) and the 90 % one that the margin
    is held against. statistic, p: of a test that a curve is one, or (no p) the weighted squares per cell of a curve.
    """

    hypothesis: str
    rule: str
    statement: str
    cells: int
    replications: int
    sentence: str
    predicted: float | None = None
    margin: float | None = None
    estimate: float | None = None
    lo: float | None = None
    hi: float | None = None
    lo_90: float | None = None
    hi_90: float | None = None
    statistic: float | None = None
    p: float | None = None
    verdict: str | None = None
    method: str | None = None
