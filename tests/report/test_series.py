import numpy as np
import polars as pl

from marketsim.report.series import thin, thin_steps


def test_a_thinned_series_keeps_its_ends_its_order_and_every_spike():
    values = np.sin(np.arange(100_000) / 900.0)
    values[31_417], values[77_777] = 55.0, -66.0
    frame = pl.DataFrame({"t_ns": np.arange(100_000) * 1_000, "value": values})
    thinned = thin(frame, "t_ns", "value", 2_000)
    assert thinned.height <= 2_000
    assert (31_417_000, 55.0) in thinned.rows()
    assert (77_777_000, -66.0) in thinned.rows()
    assert thinned["t_ns"].is_sorted()
    assert (thinned["t_ns"][0], thinned["t_ns"][-1]) == (0, 99_999_000)


def test_a_short_series_stays_whole_but_for_what_is_missing():
    frame = pl.DataFrame({"t_ns": [3, 1, 2, 4, 5], "value": [0.3, 0.1, None, float("nan"), float("inf")]})
    assert thin(frame, "t_ns", "value").rows() == [(1, 0.1), (3, 0.3)]


def test_a_series_of_nothing_but_nulls_is_empty():
    frame = pl.DataFrame({"t_ns": [1, 2], "value": [None, None]}, schema={"t_ns": pl.Int64, "value": pl.Float64})
    assert thin(frame, "t_ns", "value").is_empty()
    assert thin_steps(frame, "t_ns", "value").is_empty()


def test_steps_keep_their_changes_and_their_last_instant():
    frame = pl.DataFrame({"t_ns": [0, 1, 2, 3, 4, 5], "value": [3.0, 3.0, 3.0, 2.5, 2.5, 2.5]})
    assert thin_steps(frame, "t_ns", "value").rows() == [(0, 3.0), (3, 2.5), (5, 2.5)]
