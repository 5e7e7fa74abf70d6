"""Who may speak to the page: tried request by request on the guard alone, without a server and without a library."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from marketsim.ui.guard import Guard

TOKEN, PORT = "q7-known-to-nobody-else", 8123
HOST = (b"host", b"127.0.0.1:8123")
OURS = (b"origin", b"http://127.0.0.1:8123")
INSIDE = {"type": "http.response.start", "status": 200, "headers": [(b"x-of-the-page", b"yes")]}


def answered(path: str, *headers: tuple[bytes, bytes], kind: str = "http") -> tuple[list[Any], list[Any]]:
    """What the guard sends, and the scopes that the page behind it saw."""
    sent: list[Any] = []
    seen: list[Any] = []

    async def page(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        seen.append(scope)
        await send(dict(INSIDE) if kind == "http" else {"type": "websocket.accept"})

    async def receive() -> MutableMapping[str, Any]:
        return {"type": f"{kind}.connect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    scope = {"type": kind, "path": path, "root_path": "", "headers": list(headers)}
    asyncio.run(Guard(page, TOKEN, PORT)(scope, receive, send))
    return sent, seen


def test_who_knows_the_token_and_names_this_host_is_let_in() -> None:
    sent, seen = answered(f"/{TOKEN}/", HOST)
    assert (sent[0]["status"], seen[0]["root_path"], seen[0]["path"]) == (200, f"/{TOKEN}", f"/{TOKEN}/")
    assert len(answered(f"/{TOKEN}/_nicegui/x.js", HOST, OURS)[1]) == 1


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", [HOST]),
        ("", [HOST]),
        ("/q7-known-to-nobody-els", [HOST]),
        ("/q7-known-to-nobody-elsE/", [HOST]),
        (f"/{TOKEN}x/", [HOST]),
        (f"/x/{TOKEN}/", [HOST]),
        ("/é" + TOKEN, [HOST]),
    ],
)
def test_without_the_token_every_path_is_refused(path: str, headers: list[tuple[bytes, bytes]]) -> None:
    sent, seen = answered(path, *headers)
    assert (sent[0]["status"], seen) == (403, [])
    assert TOKEN.encode() not in sent[1]["body"]


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"host", b"evil.example:8123")],  # a name of a stranger that resolves to 127.0.0.1
        [(b"host", b"127.0.0.1:8124")],
        [(b"host", b"127.0.0.1")],
        [(b"host", b"localhost:8123")],
        [HOST, (b"host", b"evil.example")],
        [HOST, (b"origin", b"http://evil.example")],
        [HOST, (b"origin", b"null")],
        [HOST, (b"origin", b"https://127.0.0.1:8123")],
        [HOST, OURS, (b"origin", b"http://evil.example")],
    ],
)
def test_other_hosts_and_other_origins_are_refused_even_with_the_token(headers: list[tuple[bytes, bytes]]) -> None:
    for kind, refused in (("http", (403, None)), ("websocket", (None, 4403))):
        sent, seen = answered(f"/{TOKEN}/", *headers, kind=kind)
        assert (sent[0].get("status"), sent[0].get("code")) == refused
        assert seen == []


def test_a_websocket_says_which_page_opens_it() -> None:
    path = f"/{TOKEN}/_nicegui_ws/socket.io/"
    assert answered(path, HOST, OURS, kind="websocket")[0] == [{"type": "websocket.accept"}]
    assert answered(path, HOST, kind="websocket")[0][0]["code"] == 4403
    assert answered("/_nicegui_ws/socket.io/", HOST, OURS, kind="websocket")[0][0]["code"] == 4403


def test_every_answer_forbids_to_load_from_elsewhere_and_nobody_may_name_another_prefix() -> None:
    sent, seen = answered(f"/{TOKEN}/", HOST, (b"x-forwarded-prefix", b"/elsewhere"))
    headers = dict(sent[0]["headers"])
    assert headers[b"x-of-the-page"] == b"yes"
    policy = headers[b"content-security-policy"].decode().split("; ")
    assert {"default-src 'self'", "connect-src 'self' ws://127.0.0.1:8123", "frame-ancestors 'none'"} <= set(policy)
    assert (headers[b"referrer-policy"], headers[b"x-content-type-options"]) == (b"no-referrer", b"nosniff")
    assert seen[0]["headers"] == [HOST]
