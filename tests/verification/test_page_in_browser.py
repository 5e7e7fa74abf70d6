"""The pages of a run and of a study as a reader has them: in Chromium, wide and narrow, in the dark, and on paper."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

import marketsim
from marketsim.datasets.run import Run
from marketsim.report import write_report
from tests.report.synthetic_run import S, synthetic_tables, write_run
from tests.verification.results import FOLDER

EVIL = "</script><img src=x onerror=alert(1)>"
CROWDED = {
    "clock.start": "2024-01-01T23:00:00Z", "clock.duration": "3h", "clock.warmup": "30min",
    "record.depth": "{bps: [1, 5, 10, 25, 50, 100, 200], every: 10s}",
}  # fmt: skip
"""Three hours about a night's resets."""

SCALES = """[...document.querySelectorAll('.live svg.marks')].map(
    (drawing) => drawing.getBoundingClientRect().width / Number(drawing.getAttribute('width')))"""
SIZES = """[...document.querySelectorAll('.live .role-axis-label text')].map(
    (label) => parseFloat(getComputedStyle(label).fontSize))"""
LINES = """(figure) => [...figure.querySelectorAll('.live .mark-line path')].filter(
    (line) => (line.getAttribute('d') || '').length > 50).length"""


@dataclass
class Opened:
    """A page in a browser, and what it said and asked for."""

    page: Page
    said: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    def read_through(self) -> None:
        """Scroll to the end, so that every chart comes into view."""
        for figure in self.page.locator("figure:has(script.chart)").all():
            figure.scroll_into_view_if_needed()
            expect(figure).to_have_class("half drawn" if figure.evaluate("f => f.matches('.half')") else "drawn")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "this proof needs Chromium on PATH"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of a run, of a study, and of a run whose ids are an attack."""
    out = tmp_path_factory.mktemp("pages")
    run = marketsim.run("marketsim:crowded-reset", set=CROWDED, out=out)
    study = marketsim.sweep("marketsim:quickstart_study", set={"study.replications": 1}, workers=1, out=out)
    tables = synthetic_tables(every_ns=600 * S)
    for name in ("tokens", "token_legs", "rebalances", "attribution"):
        tables[name] = tables[name].with_columns(token=tables[name]["token"].replace("BTC3L", EVIL))
    tables["cohorts"] = tables["cohorts"].with_columns(cohort=tables["cohorts"]["cohort"].replace("retail", EVIL))
    hostile = write_report(write_run(out / "hostile", tables))
    return {"run": run.path / "report.html", "study": study.path / "report.html", "hostile": hostile}


def opened(browser: Browser, path: Path, *, width: int = 1280, dark: bool = False) -> Opened:
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light")
    made = Opened(page)
    page.on("console", lambda message: made.said.append(message.text))
    page.on("pageerror", lambda error: made.said.append(str(error)))
    page.on("dialog", lambda dialog: made.said.append(dialog.message))
    page.on("request", lambda request: made.asked.append(request.url))
    page.goto(path.as_uri())
    return made


@pytest.mark.parametrize("what", ["run", "study", "hostile"])
@pytest.mark.parametrize(("width", "dark"), [(1280, False), (400, False), (1280, True)])
def test_every_chart_is_drawn_as_wide_as_there_is_room_and_nothing_is_asked_for(
    browser: Browser, pages: dict[str, Path], what: str, width: int, dark: bool
) -> None:
    seen = opened(browser, pages[what], width=width, dark=dark)
    seen.read_through()
    assert seen.said == []
    assert seen.asked == [pages[what].as_uri()]
    assert pages[what].stat().st_size < 8_000_000
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width  # nothing sticks out of a telephone
    assert all(scale == pytest.approx(1.0, abs=1e-6) for scale in seen.page.evaluate(SCALES))  # laid out, not scaled
    assert min(seen.page.evaluate(SIZES)) >= 11
    ground = seen.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert ground == ("rgb(22, 25, 29)" if dark else "rgb(255, 255, 255)")
    name = f"{what}_{width}{'_dark' if dark else ''}.png"
    seen.page.evaluate("scrollTo(0, 0)")
    seen.page.screenshot(path=FOLDER / "page" / name, full_page=True)
    seen.page.close()


def test_the_page_says_values_at_the_pointer_zooms_goes_back_and_takes_lines_out(
    browser: Browser, pages: dict[str, Path]
) -> None:
    seen = opened(browser, pages["run"])
    page, figure = seen.page, seen.page.locator("figure:has(script.chart)").nth(1)  # mid and mark against the index
    figure.scroll_into_view_if_needed()
    plot = figure.locator(".live svg.marks")
    expect(plot).to_be_visible()
    box = plot.bounding_box()
    assert box is not None
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    page.mouse.move(x, y)
    page.mouse.move(x + 3, y)
    tip = page.locator("#vg-tooltip-element")
    expect(tip).to_contain_text("against index")
    told = dict(zip(("series", "time", "value"), tip.locator("td.value").all_inner_texts(), strict=True))
    assert float(told["value"].replace("−", "-")) in drawn_values(pages["run"], told["series"])

    whole = labels(figure)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -800)
    page.keyboard.up("Control")
    page.wait_for_timeout(300)
    assert labels(figure) != whole
    page.mouse.dblclick(x, y)
    page.wait_for_timeout(500)
    assert labels(figure) == whole

    assert lines(figure) == 2
    figure.locator(".live .role-legend-label text").first.click()
    page.wait_for_timeout(300)
    assert lines(figure) == 1
    assert seen.said == []
    page.close()


def drawn_values(path: Path, series: str) -> set[float]:
    """Deviations of the table `marks` [bps], as the tooltip writes them: six significant digits."""
    marks = Run(path.parent).table("marks")
    column = {"mid against index": "mid_price", "mark against index": "mark_price"}[series]
    found = ((marks[column] / marks["index_price"] - 1) * 10_000).to_list()
    return {float(f"{value:.6g}") for value in found}


def labels(figure: Locator) -> list[str]:
    return figure.locator(".live .role-axis-label text").all_inner_texts()


def lines(figure: Locator) -> int:
    return int(figure.evaluate(LINES))


def test_its_policy_stops_scripts_and_addresses_that_are_not_the_pages_own(
    browser: Browser, pages: dict[str, Path]
) -> None:
    seen = opened(browser, pages["study"])
    stopped = seen.page.evaluate(
        "new Promise(done => { addEventListener('securitypolicyviolation', e => done(e.effectiveDirective));"
        " const image = new Image(); image.src = 'https://example.org/x.png'; document.body.append(image); })"
    )
    assert stopped == "img-src"
    seen.page.close()


@pytest.mark.parametrize("what", ["run", "study"])
def test_paper_and_readers_without_script_have_the_drawings(
    browser: Browser, pages: dict[str, Path], what: str
) -> None:
    seen = opened(browser, pages[what], dark=True)
    seen.read_through()
    seen.page.pdf(path=FOLDER / "page" / f"{what}.pdf", format="A4", print_background=True)
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    for still, live in zip(seen.page.locator(".still").all(), seen.page.locator(".live").all(), strict=True):
        expect(still).to_be_visible()
        expect(live).to_be_hidden()
    seen.page.close()
    without = browser.new_page(java_script_enabled=False)
    without.goto(pages[what].as_uri())
    expect(without.locator(".still svg.marks").first).to_be_visible()
    expect(without.locator(".scripted")).to_be_hidden()
    without.close()
