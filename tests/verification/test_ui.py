"""The page of `marketsim ui`, served as it is and used in headless Chromium; who may not reach it, by plain HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import os
import resource
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright

import marketsim
from marketsim.datasets.run import Run
from marketsim.scenario import load

PATIENCE_MS = 120_000
OPENS_WITHIN_S = 5.0


@dataclass
class Served:
    """A page that is served: the process, its address, its results folder, and how long it took to open [s]."""

    process: subprocess.Popen[str]
    address: str
    out: Path

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send it a signal; its exit code, and what it said to people."""
        self.process.send_signal(number)
        _, said = self.process.communicate(timeout=20)
        return self.process.returncode, said

    @property
    def host(self) -> str:
        return urlsplit(self.address).netloc

    @property
    def path(self) -> str:
        return urlsplit(self.address).path


def start(out: Path, *arguments: str) -> Served:
    command = [sys.executable, "-m", "marketsim", "ui", "--json", "--out", str(out), *arguments]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, cwd=out.parent
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line, process.stderr.read() if process.stderr else ""
    return Served(process, json.loads(line)["address"], out)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    page = start(tmp_path_factory.mktemp("ui") / "results")
    yield page
    assert page.end(signal.SIGINT)[0] == 130


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "this proof needs Chromium on PATH"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield browser
        browser.close()


class Watched:
    """A browser's page, and everything it complained of or asked of other machines."""

    def __init__(self, browser: Browser, served: Served, **options: Any) -> None:
        self.complaints: list[str] = []
        self.asked_elsewhere: list[str] = []
        self.page: Page = browser.new_context(**options).new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self._host = served.host
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", self._asked)
        self.page.on("websocket", lambda socket: self._reached(socket.url))
        self.page.goto(served.address)
        expect(self.button("run")).to_be_enabled()

    def button(self, name: str) -> Any:
        return self.page.get_by_role("button", name=name, exact=True)

    def value(self, path: str) -> Any:
        return self.page.locator(f'input[data-path="{path}"]')

    def runs_to_its_end(self, *names: str) -> list[Run]:
        self.button("run").click()
        found = []
        for name in names:
            words = self.page.locator(f'[data-run="{name}"] .words')
            expect(words).to_contain_text("finished", timeout=PATIENCE_MS)
            found.append(Run((words.text_content() or "").split(", ")[-1]))
        return found

    def table(self, name: str) -> list[list[str]]:
        rows = self.page.locator(f".{name} tbody tr").all()
        return [[(cell.text_content() or "").strip() for cell in row.locator("td").all()] for row in rows]

    def close(self) -> None:
        self.page.context.close()
        assert (self.complaints, self.asked_elsewhere) == ([], [])

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def _asked(self, request: Request) -> None:
        self._reached(request.url)

    def _reached(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("data", "blob") and parts.netloc != self._host:
            self.asked_elsewhere.append(url)


def opening_s(out: Path, browser: Browser) -> tuple[float, float]:
    """From the command to a page whose button can be pressed [s], and the processor time the command took [s]."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    served = start(out)
    try:
        watched = Watched(browser, served)
        took_s = time.perf_counter() - began
        watched.close()
    finally:
        served.end(signal.SIGKILL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_it_opens_in_under_five_seconds(tmp_path: Path, browser: Browser, say: Callable[[str], None]) -> None:
    """By the clock where nothing else runs; on a busy machine by processor time, with two seconds left for Chromium."""
    opened = [opening_s(tmp_path / "results", browser) for _ in range(3)]
    is_busy = os.getloadavg()[0] > (os.cpu_count() or 1)
    say("opened in " + ", ".join(f"{clock:.1f} s ({processor:.1f} s of a core)" for clock, processor in opened))
    assert min(processor for _, processor in opened) < OPENS_WITHIN_S - 2
    assert is_busy or min(clock for clock, _ in opened) < OPENS_WITHIN_S


def asked(served: Served, path: str, **headers: str) -> int:
    connection = http.client.HTTPConnection(*served.host.split(":"), timeout=10)
    connection.putrequest("GET", path, skip_host=True)
    for name, value in {"Host": served.host, **headers}.items():
        connection.putheader(name.replace("_", "-"), value)
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    return status


def test_others_are_refused(served: Served) -> None:
    assert asked(served, served.path) == 200
    assert asked(served, "/") == 403
    assert asked(served, f"/{secrets.token_urlsafe(32)}/") == 403
    assert asked(served, served.path, Host="evil.example") == 403
    assert asked(served, served.path, Host=served.host.replace("127.0.0.1", "localhost")) == 403
    assert asked(served, served.path, Origin="http://evil.example") == 403
    assert asked(served, served.path, Origin=f"http://{served.host}") == 200
    assert asked(served, "/_nicegui_ws/socket.io/?EIO=4&transport=polling") == 403


def test_websockets_of_others_are_refused(served: Served) -> None:
    opening = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec_WebSocket_Version": "13",
        "Sec_WebSocket_Key": base64.b64encode(secrets.token_bytes(16)).decode(),
    }
    socket = "_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    ours = f"http://{served.host}"
    assert asked(served, served.path + socket, Origin=ours, **opening) == 101
    assert asked(served, served.path + socket, Origin="http://evil.example", **opening) == 403
    assert asked(served, served.path + socket, **opening) == 403
    assert asked(served, f"/{socket}", Origin=ours, **opening) == 403


def test_only_this_machine_is_served(served: Served) -> None:
    listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    port = served.host.split(":")[1]
    assert [line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{port}")] == [served.host]


def test_a_run_and_its_twin_show_the_numbers_of_their_tables(served: Served, browser: Browser) -> None:
    watched = Watched(browser, served)
    run, twin = watched.runs_to_its_end("run", "twin")
    assert (run.manifest["arm"], twin.manifest["arm"]) == ("factual", "frictionless")
    assert run.manifest["seed"] == twin.manifest["seed"]
    expect(watched.page.locator(".figures tbody tr")).to_have_count(9)
    shown = {row[0]: row[1:] for row in watched.table("figures")}
    for number, one in enumerate((run, twin)):
        mark, token = one.table("marks").row(-1, named=True), one.table("tokens").row(-1, named=True)
        expected = {
            "from the start": "2h",
            "mid of BTC-PERP": f"{mark['mid_price']:,.2f}",
            "mark of BTC-PERP": f"{mark['mark_price']:,.2f}",
            "index of BTC-PERP": f"{mark['index_price']:,.2f}",
            "NAV of BTC3L": f"{token['nav']:,.4f}",
            "leverage of BTC3L": f"{token['leverage']:,.4f}",
            "equity of BTC3L": f"{token['equity_atoms'] / 1e8:,.2f}",
            "orders of resets": str(one.table("rebalances").height),
            "liquidations": str(one.table("liquidations").height),
        }
        assert {name: cells[number] for name, cells in shown.items()} == expected
    (reset,) = run.table("rebalances").rows(named=True)
    assert watched.table("resets") == [
        [
            "1h32min",
            reset["token"],
            reset["market"],
            reset["trigger"],
            f"{reset['filled_lots']:+,}",
            f"{reset['slippage_bps']:.2f}",
            f"{reset['leverage_before']:.3f} to {reset['leverage_after']:.3f}",
            reset["status"],
        ]
    ]
    watched.close()


def test_the_command_makes_the_same_run_and_so_does_the_saved_file(
    served: Served, browser: Browser, tmp_path: Path
) -> None:
    watched = Watched(browser, served)
    slider = watched.page.get_by_role("slider", name="assets under management of tokens.BTC3L")
    for _ in range(10):
        slider.locator('[tabindex="0"]').press("ArrowRight")
    expect(watched.value("tokens.BTC3L.aum")).to_have_value("5.04 MUSDT")  # 0.4 MUSDT x 100^(110/200)
    watched.value("seed").fill("77")
    watched.page.get_by_role("checkbox", name="with a twin:").click()
    expect(watched.page.locator(".command")).to_contain_text("seed=77")
    expect(watched.button("save YAML")).to_be_enabled()
    with watched.page.expect_download() as download:
        watched.button("save YAML").click()
    saved = tmp_path / "saved.yaml"
    download.value.save_as(saved)
    (run,) = watched.runs_to_its_end("run")
    assert load(saved).sha256() == run.manifest["scenario_sha256"]
    by_file = marketsim.run(saved, out=tmp_path / "file", report=False)
    said = {"tokens.BTC3L.aum": "5.04 MUSDT", "seed": 77}
    by_command = marketsim.run("marketsim:quickstart", set=said, out=tmp_path / "command", report=False)
    hashes = [
        {name: table["content_sha256"] for name, table in one.manifest["tables"].items()}
        for one in (run, by_file, by_command)
    ]
    assert hashes[0] == hashes[1] == hashes[2]
    assert run.manifest["run_id"] == by_file.manifest["run_id"] == by_command.manifest["run_id"]
    assert run.manifest["seed"] == 77
    watched.close()


def test_what_is_wrong_is_said_where_it_is_wrong_and_does_not_run(served: Served, browser: Browser) -> None:
    watched = Watched(browser, served)
    watched.value("tokens.BTC3L.aum").fill("4 EUR")
    said = "--set tokens.BTC3L.aum: this is in EUR, its market is in USDT; was '4 EUR'; allowed: USDT"
    field = watched.page.locator(".q-field", has=watched.value("tokens.BTC3L.aum"))
    expect(field).to_contain_text(said)
    expect(watched.button("run")).to_be_disabled()
    expect(watched.button("save YAML")).to_be_disabled()
    watched.value("tokens.BTC3L.aum").fill("6 MUSDT")
    expect(field).not_to_contain_text("EUR")
    expect(watched.button("run")).to_be_enabled()
    watched.value("clock.duration").fill("10min")
    expect(watched.page.get_by_role("alert")).to_contain_text("the warm-up is not shorter than the run")
    watched.close()


def children_of(process: int) -> list[str]:
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(process)], capture_output=True, text=True, check=False)
    return listed.stdout.split()


def test_a_long_run_is_shown_as_it_goes_and_stop_leaves_nothing(served: Served, browser: Browser) -> None:
    watched = Watched(browser, served)
    watched.page.get_by_label("world").click()
    watched.page.get_by_label("world").fill("crowded")
    watched.page.get_by_role("option", name="marketsim:crowded-reset").click()
    expect(watched.page.locator(".title").first).to_contain_text("resets of 3x tokens crowd the book?")
    watched.page.get_by_role("checkbox", name="with a twin:").click()
    watched.button("run").click()
    words = watched.page.locator('[data-run="run"] .words')
    expect(words).to_contain_text("of 3d", timeout=PATIENCE_MS)
    first = watched.table("figures")[0][1]  # how far it is
    expect(watched.page.locator(".figures tbody tr td").nth(1)).not_to_have_text(first, timeout=PATIENCE_MS)
    assert children_of(served.process.pid) != []
    watched.button("stop").click()
    expect(words).to_have_text("run: stopped; nothing of it is kept")
    expect(watched.button("run")).to_be_enabled()
    assert children_of(served.process.pid) == []
    assert list(served.out.glob("crowded-reset/*")) == []
    watched.close()


def test_reports_of_the_results_folder_open_and_can_reach_nothing(served: Served, browser: Browser) -> None:
    watched = Watched(browser, served)
    watched.runs_to_its_end("run")
    watched.page.get_by_role("tab", name="results").click()
    with watched.page.context.expect_page() as opened:
        watched.page.locator(".result a").first.click()
    report = opened.value
    report.wait_for_load_state()
    assert urlsplit(report.url).netloc == served.host
    assert report.evaluate("fetch('/').then(() => 'reached', () => 'refused')") == "refused"
    assert report.evaluate("self.origin") == "null"
    watched.page.context.close()
    assert watched.asked_elsewhere == []


@pytest.mark.parametrize(
    "options",
    [
        {"viewport": {"width": 1400, "height": 1000}},
        {"viewport": {"width": 1400, "height": 1000}, "color_scheme": "dark"},
        {"viewport": {"width": 390, "height": 844}, "is_mobile": True},
    ],
    ids=["desktop", "dark", "phone"],
)
def test_nothing_sticks_out_and_every_chart_is_drawn(
    served: Served, browser: Browser, options: dict[str, Any], tmp_path: Path
) -> None:
    watched = Watched(browser, served, **options)
    watched.runs_to_its_end("run", "twin")
    assert watched.page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0
    for chart in watched.page.locator(".chart svg").all():
        assert chart.locator("path").count() > 5
    assert watched.page.locator(".chart svg").count() == 4
    watched.page.screenshot(path=tmp_path / "page.png", full_page=True)
    watched.close()


def test_ctrl_c_ends_the_page_and_what_it_runs(tmp_path: Path, browser: Browser) -> None:
    served = start(tmp_path / "results")
    watched = Watched(browser, served)
    watched.page.get_by_label("world").click()
    watched.page.get_by_label("world").fill("crowded")
    watched.page.get_by_role("option", name="marketsim:crowded-reset").click()
    expect(watched.page.locator(".command")).to_contain_text("crowded-reset")
    watched.button("run").click()
    expect(watched.page.locator('[data-run="twin"] .words')).to_contain_text("of 3d", timeout=PATIENCE_MS)
    runs = children_of(served.process.pid)
    assert len(runs) == 2
    code, said = served.end(signal.SIGINT)
    assert (code, "interrupted; the page is closed" in said) == (130, True)
    assert [pid for pid in runs if Path(f"/proc/{pid}").exists()] == []
    assert list((tmp_path / "results").glob("*/*")) == []
    watched.page.context.close()
