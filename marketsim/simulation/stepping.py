"""A model run to its end in steps of a quarter of a second of wall time, with a look at progress after each."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from marketsim.errors import EnvironmentLackError, UsageError
from marketsim.simulation.model import MarketModel
from marketsim.simulation.recording.model_recorder import ModelRecorder
from marketsim.units import NS_PER_SECOND

STEP_S = 0.25

ProgressHook = Callable[[int, int, int], None]
"""Called with (simulated_ns, duration_ns, micro_events)."""


def run_to_end(
    model: MarketModel, recorder: ModelRecorder, progress: ProgressHook | None, limit: int | None
) -> str | None:
    """Record a model from where it stands to its end; returns why it could not, or None.

    limit: wall time [ns]. What the caller or the machine got wrong is raised; an interruption abandons the tables.
    """
    try:
        recorder.start()
        _step(model, recorder, progress, limit)
        recorder.finish()
    except (UsageError, EnvironmentLackError):
        raise
    except KeyboardInterrupt:
        recorder.tables.abandon()
        raise
    except Exception as error:  # whatever went wrong is the reason that the failed run keeps
        recorder.flush()
        return str(error) if isinstance(error, TimeoutError) else f"{type(error).__name__}: {error}"
    return None


def _step(model: MarketModel, recorder: ModelRecorder, progress: ProgressHook | None, limit: int | None) -> None:
    end = model.env.end_ns
    step = max(1, (end - model.env.now) // 1_000)
    began = perf_counter()
    while model.env.now < end:
        before = perf_counter()
        model.env.run(min(end, model.env.now + step))
        took = perf_counter() - before
        step = max(1_000_000, int(step * min(4.0, max(0.25, STEP_S / max(took, 1e-4)))))
        if recorder.tables.live is not None:
            recorder.take_journal()
        if progress is not None:
            progress(model.env.now, end, model.world.get("micro_events"))
        if limit is not None and (perf_counter() - began) * NS_PER_SECOND > limit:
            raise TimeoutError(
                f"the time limit of {limit / NS_PER_SECOND:g} s was met at {model.env.now / NS_PER_SECOND:g} s "
                "of simulated time"
            )
