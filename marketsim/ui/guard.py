"""Who may speak to the page: this machine, to this host and port, with the token in the address, from this origin.

An ASGI application around the page's own, without any library. The token is the first part of every path, so that
every request carries it, also a file's and a websocket's. The host is checked against DNS rebinding (a stranger's name
that resolves to 127.0.0.1), the origin against pages of others that send requests here.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

HOST = "127.0.0.1"

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_REFUSED = 4403  # of the range that applications may use for websockets (RFC 6455, 7.4.2)
_OURS = ("content-security-policy", "referrer-policy", "x-content-type-options")


class Guard:
    """Lets requests pass that know the token, name this host and come from this page or from no page at all.

    What is let through finds the token as its `root_path`. Every answer says that nothing may be loaded from elsewhere
    (Content-Security-Policy), except where it says so itself.
    """

    def __init__(self, app: Application, token: str, port: int) -> None:
        self.app = app
        self._prefix = f"/{token}"
        self._host = f"{HOST}:{port}"
        self._headers = [(name.encode(), text.encode()) for name, text in _headers(self._host).items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal is not None:
            await _refuse(scope, receive, send, refusal)
            return
        headers = [(name, value) for name, value in scope["headers"] if not name.startswith(b"x-forwarded-")]
        inside = {**scope, "root_path": self._prefix, "headers": headers}
        await self.app(inside, receive, self._with_headers(send))

    def _refusal(self, scope: Scope) -> str | None:
        """Why a request is refused; None where it is not."""
        headers = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        origins = [value for name, value in headers if name == b"origin"]
        if hosts != [self._host.encode()]:
            return f"this page is served to http://{self._host} alone"
        if any(origin != f"http://{self._host}".encode() for origin in origins):
            return "this page takes no requests of other pages"
        if scope["type"] == "websocket" and not origins:
            return "a websocket has to say which page opens it"
        first, rest = scope["path"][: len(self._prefix)], scope["path"][len(self._prefix) :]
        if not secrets.compare_digest(first.encode(), self._prefix.encode()) or rest[:1] not in ("", "/"):
            return "open the address that `marketsim ui` printed, token included"
        return None

    def _with_headers(self, send: Send) -> Send:
        async def answer(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", ()))
                stated = {name.lower() for name, _ in given}
                message["headers"] = [*given, *(pair for pair in self._headers if pair[0] not in stated)]
            await send(message)

        return answer


def _headers(host: str) -> dict[str, str]:
    """What every answer says to the browser; Vue compiles its templates there, hence 'unsafe-eval'."""
    allowed = {
        "default-src": "'self'",
        "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": f"'self' ws://{host}",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    policy = "; ".join(f"{what} {sources}" for what, sources in allowed.items())
    return dict(zip(_OURS, (policy, "no-referrer", "nosniff"), strict=True))


async def _refuse(scope: Scope, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": _REFUSED, "reason": reason})
        return
    body = f"{reason}\n".encode()
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})
