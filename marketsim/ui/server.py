"""The server of the page: on 127.0.0.1 alone, at a free port, with a token that only its address has."""

from __future__ import annotations

import errno
import secrets
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from marketsim.errors import EnvironmentLackError, UsageError
from marketsim.ui.guard import HOST, Guard

if TYPE_CHECKING:
    from fastapi import FastAPI

    from marketsim.ui.page import Desk

TOKEN_BYTES = 32
CLOSING_S = 1
"""How long open pages are waited for when the server ends."""
RECONNECT_S = 30.0
"""How long a page that is not heard of is waited for, before its runs are ended; a busy machine needs some of it."""
REPORT_POLICY = (
    "sandbox allow-scripts allow-downloads; default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'unsafe-inline'; img-src data: blob:; font-src data:"
)
"""A report is a file that may be somebody else's: it may draw its charts, and reach neither the page nor anything."""


def serve(files: Sequence[str], out: Path, port: int | None, announce: Callable[[str], None]) -> None:
    """Serve the page until Ctrl-C; its runs end with it.

    files: scenarios to choose from beside the shipped ones, the first of them chosen. out: the results folder.
    announce: called with the address, once it is open. Raises EnvironmentLackError without the extra `ui`, UsageError
    where the port is taken.
    """
    if find_spec("nicegui") is None:
        raise EnvironmentLackError("nicegui not installed; `pip install 'marketsim-lab[ui]'` brings the page")
    with _listening(port) as listener:
        import uvicorn

        from marketsim.ui.page import Desk

        token, number = secrets.token_urlsafe(TOKEN_BYTES), listener.getsockname()[1]
        desk = Desk(list(files), out)
        config = uvicorn.Config(
            Guard(_application(desk), token, number),
            log_level="warning",
            lifespan="on",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=CLOSING_S,
        )
        announce(f"http://{HOST}:{number}/{token}/")
        try:
            uvicorn.Server(config).run(sockets=[listener])
        except KeyboardInterrupt:
            raise KeyboardInterrupt("the page is closed, and what it ran has ended") from None
        finally:
            for run in desk.runs:
                run.kill()


def _listening(port: int | None) -> socket.socket:
    """A socket that listens on this machine alone."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port or 0))
        listener.listen()
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"--port {port} is in use; choose another, or none for one that is free") from None
        raise UsageError(f"--port {port}: {error.strerror}; choose another, or none for one that is free") from None
    return listener


def _application(desk: Desk) -> FastAPI:
    """The page and the reports, as an ASGI application that is told its prefix by the guard."""
    from fastapi import FastAPI
    from nicegui import app, ui
    from starlette.responses import FileResponse, PlainTextResponse, Response

    from marketsim.ui.live_run import stop_all
    from marketsim.ui.page import Page
    from marketsim.ui.results import report_page

    outer = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)

    @outer.get("/report/{place:path}")
    def report(place: str) -> Response:
        file = report_page(desk.out, place)
        if file is None:
            return PlainTextResponse("there is no such report in the results folder\n", 404)
        return FileResponse(file, media_type="text/html", headers={"Content-Security-Policy": REPORT_POLICY})

    async def end_runs() -> None:
        with suppress(Exception):
            await stop_all(desk.runs)

    app.on_shutdown(end_runs)
    ui.run_with(
        outer,
        root=lambda: Page(desk),
        title="marketsim",
        tailwind=False,
        reconnect_timeout=RECONNECT_S,
        show_welcome_message=False,
    )
    return outer
