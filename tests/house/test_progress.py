"""What a long run says of itself while it runs."""

import itertools

import pytest

from marketsim import progress
from marketsim.progress import RunProgress, SweepProgress, clock_face

HOUR_NS = 3600 * 10**9


@pytest.mark.parametrize(
    ("simulated_ns", "face"),
    [(0, "00:00:00"), (HOUR_NS + 999_999_999, "01:00:00"), (27 * HOUR_NS + 65 * 10**9, "1d 03:01:05")],
)
def test_simulated_time_reads_like_a_clock(simulated_ns: int, face: str) -> None:
    assert clock_face(simulated_ns) == face


def test_off_a_terminal_a_plain_line_comes_every_ten_seconds(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = itertools.count(step=4)
    monkeypatch.setattr(progress.time, "monotonic", lambda: float(next(seconds)))
    with RunProgress() as shown:
        for hour in range(1, 8):
            shown(hour * HOUR_NS, 24 * HOUR_NS, hour * 8_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(" 16.7%  04:00:00 simulated  2.00 M events/s")
    assert lines[0].endswith("80 s left")  # 20 hours at 3 hours in 12 s


def test_quiet_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with RunProgress(quiet=True) as shown:
        shown(HOUR_NS, 24 * HOUR_NS, 1000)
    assert capsys.readouterr() == ("", "")


def test_a_sweep_tells_runs_speed_memory_and_time_left(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = iter([100.0, 104.0, 110.0, 112.0])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(seconds))
    with SweepProgress() as shown:
        for ended in (4, 5, 6, 10):  # four were there before
            shown(ended - 1, 1, 10, (ended - 4) * 10_000_000, 700.0)
    assert capsys.readouterr().err.splitlines() == [
        " 60.0%  5 done, 1 failed of 10 runs  2.00 M events/s  700 MB  20 s left",  # four at two in 10 s
        "100.0%  9 done, 1 failed of 10 runs  5.00 M events/s  700 MB  0 s left",
    ]


def test_a_quiet_sweep_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with SweepProgress(quiet=True) as shown:
        shown(1, 0, 1, 1000, 10.0)
    assert capsys.readouterr() == ("", "")
