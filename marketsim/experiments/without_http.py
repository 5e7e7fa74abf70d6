"""Dask's scheduler and worker without their HTTP servers, which would listen on every interface and ask nobody."""

from __future__ import annotations

from typing import Any

from distributed import Scheduler, Worker


class SilentScheduler(Scheduler):
    """A scheduler that speaks to its clients and workers alone."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """There is no page."""


class SilentWorker(Worker):
    """A worker that speaks to its scheduler and its nanny alone."""

    def start_http_server(self, *_: Any, **__: Any) -> None:
        """There is no page."""
