import base64
import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections import Counter
from html.parser import HTMLParser

import polars as pl
import pytest

from marketsim.errors import UsageError
from marketsim.report import write_report
from marketsim.report.embedding import scripts
from marketsim.report.page import SECTIONS
from tests.report.synthetic_run import (
    DAY,
    MARKET,
    S,
    empty_tables,
    resolved_scenario,
    synthetic_tables,
    write_run,
)

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Reader(HTMLParser):
    """Follows the tags and remembers what a test asks for."""

    def __init__(self, page):
        super().__init__()
        self.open, self.anchors, self.ids, self.addresses, self.labels, self.tags = [], [], [], [], [], Counter()
        self.scripts, self.data = [], []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.handle_startendtag(tag, attributes)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        values = dict(attributes)
        self.tags[tag] += 1
        if "id" in values:
            self.ids.append(values["id"])
        if tag == "section":
            self.anchors.append(values["id"])
        if tag == "script":
            (self.scripts if "type" not in values else self.data).append("")
            self.told = self.scripts if "type" not in values else self.data
        if values.get("role") == "img":
            self.labels.append(values.get("aria-label", ""))
        self.addresses += [values[name] for name in ("src", "href", "xlink:href", "action", "data") if name in values]

    def handle_data(self, data):
        if self.open and self.open[-1] == "script":
            self.told[-1] += data

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag


def page_of(directory):
    return write_report(directory).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def tables():
    return synthetic_tables(every_ns=600 * S)


@pytest.fixture(scope="module")
def page(tables, tmp_path_factory):
    return page_of(write_run(tmp_path_factory.mktemp("runs") / "whole", tables))


def test_every_tag_is_closed_and_every_section_is_there_in_order(page):
    assert Reader(page).anchors == list(SECTIONS)


def test_nothing_outside_the_page_is_asked_for_and_nothing_runs_but_its_own_two_scripts(page):
    reader = Reader(page)
    assert all(address.startswith("#") for address in reader.addresses)
    assert reader.tags["link"] == reader.tags["iframe"] == reader.tags["img"] == 0
    assert reader.scripts == list(scripts())
    without = page.replace(scripts()[0], "").replace(scripts()[1], "")
    assert not re.search(r"@import|url\((?!#)|https?://|\son\w+=", without)


def test_the_browser_is_told_to_load_nothing_and_to_run_those_two_scripts_alone(page):
    (policy,) = re.findall(r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', page)
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in Reader(page).scripts]
    assert policy.split("; ") == [
        "default-src 'none'", f"script-src 'sha256-{hashes[0]}' 'sha256-{hashes[1]}'", "style-src 'unsafe-inline'",
        "base-uri 'none'", "form-action 'none'",
    ]  # fmt: skip
    assert page.index("Content-Security-Policy") < page.index("<script")


def test_every_link_has_its_target_and_no_identifier_stands_twice(page):
    reader = Reader(page)
    assert {address[1:] for address in reader.addresses} <= set(reader.ids)
    assert len(reader.ids) == len(set(reader.ids))
    assert set(re.findall(r"url\(#([\w-]+)\)", page)) <= set(reader.ids)


def test_every_drawing_says_in_words_what_it_shows(page):
    labels = Reader(page).labels
    assert len(labels) >= 10
    assert all(len(label) > 15 for label in labels)


def test_every_axis_names_its_unit(page):
    titles = re.findall(r'font-size="11px"[^>]*>([^<]*\[[^<]*\])<', page)
    assert {"price [USDT]", "volume [BTC]", "leverage [x]", "slippage [bps]", "time [UTC]"} <= set(titles)
    assert {"NAV [% of the first]", "of the index [bps]"} <= set(titles)
    assert {"funding rate [bps]", "notional [USDT]", "equity [% of the opening]"} <= set(titles)
    assert "change of equity [USDT]" in titles


def test_the_key_figures_are_written_for_people(page):
    for figure in ("8,020", "21.5 M", "4.25 M/s", "0 atoms", "crowded-reset", "9f2c41d07be3a655", "20240101"):
        assert figure in page


def test_the_same_run_gives_the_same_bytes(tables, tmp_path, page):
    assert page_of(write_run(tmp_path / "again", tables)) == page


def test_a_scenario_cannot_smuggle_markup_into_the_page(tables, tmp_path):
    evil = '<script>alert("x")</script><b>'
    cohorts = tables["cohorts"].with_columns(pl.col("cohort").replace("retail", evil))
    events = tables["events"].with_columns(subject=pl.lit(evil), detail=pl.lit(evil))
    hostile = {**tables, "cohorts": cohorts, "events": events}
    for name in ("tokens", "token_legs", "rebalances", "attribution"):
        hostile[name] = tables[name].with_columns(pl.col("token").replace("BTC3L", evil))
    said = {"name": evil, "status": "failed", "reason": evil, "run_id": evil, "versions": {evil: evil}}
    run = write_run(tmp_path / "hostile", hostile, resolved=resolved_scenario(evil), **said)
    reader = Reader(page_of(run))
    assert reader.tags["b"] == 0
    assert reader.scripts == list(scripts())
    assert "<script>alert" not in page_of(run)
    assert any(evil in str(json.loads(said)) for said in reader.data)  # in the charts' data, where it is text
    assert "&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;" in page_of(run)


def test_a_run_whose_tables_are_empty_says_so_section_by_section(tmp_path):
    page = page_of(write_run(tmp_path / "empty", empty_tables(), resolved={}))
    assert Reader(page).anchors == list(SECTIONS)
    assert Reader(page).labels == []
    for sentence in (
        "No prices were recorded", "This run has no tokens.", "No token rebalanced.", "Funding was never settled",
        "Nobody was liquidated.", "Nobody was deleveraged", "no token whose equity", "No cohort",
        "The ledger is empty.",
    ):  # fmt: skip
        assert sentence in page


def test_a_failed_run_without_tables_shows_its_reason(tmp_path):
    run = write_run(
        tmp_path / "failed", empty_tables(), status="failed", reason="the disk is full", simulated_ns=0, counts={},
        conservation={}, versions={}, platform={}, events_per_s=None, wall_s=None, crowding={}, tables={},
    )  # fmt: skip
    shutil.rmtree(run / "tables")
    page = page_of(run)
    assert "This run is incomplete (status: failed)." in page
    assert "the disk is full." in page
    assert Reader(page).anchors == list(SECTIONS)


def test_a_finished_run_raises_no_alarm(page):
    assert 'class="alarm"' not in page
    assert "all balances add up to the atom" in page
    assert "the equity of all cohorts sums to the deposits at every one" in page
    assert page.count("<td>adds up</td>") + page.count("<td class=number>adds up</td>") == 2


def test_an_attribution_that_does_not_add_up_is_an_alarm(tables, tmp_path):
    wrong = tables["attribution"].with_columns(pl.col("basis_atoms") + 1)
    page = page_of(write_run(tmp_path / "wrong", {**tables, "attribution": wrong}))
    assert "DOES NOT ADD UP" in page
    assert "BTC3L does not add up: −" in page


def test_money_that_was_lost_is_not_hidden(tables, tmp_path):
    last = pl.col("t_ns") == 3 * DAY
    lost = tables["cohorts"].with_columns(
        equity_atoms=pl.when(last & (pl.col("cohort") == "noise"))
        .then(pl.col("equity_atoms") - 3)
        .otherwise("equity_atoms")
    )
    conservation = {"residual_atoms": 3, "by_asset": {"USDT": -3}}
    page = page_of(write_run(tmp_path / "lost", {**tables, "cohorts": lost}, conservation=conservation))
    assert "balances are off by 3 atoms" in page
    assert "NOT CONSERVED" in page
    assert "differs from the deposits by 3 atoms" in page


def test_tables_that_are_too_long_say_how_many_rows_are_left_out(page):
    assert "20 of 200 liquidations shown, the largest notional first; 180 left out." in page


def test_a_token_without_units_and_a_rebalance_without_fills_are_drawn_as_gaps(tables, tmp_path):
    none = pl.lit(None, dtype=pl.Float64)
    tokens = tables["tokens"].with_columns(leverage=none, last_reset_price=none, target_leverage=none)
    rebalances = tables["rebalances"].with_columns(
        vwap=none, slippage_bps=none, shortfall_bps=none, participation=none, arrival_mid=none, mid_10m=none,
        leverage_before=none, leverage_after=none, filled_lots=pl.lit(0), t_first_ns=pl.lit(-1), t_last_ns=pl.lit(-1),
        status=pl.lit("shadow"),
    )  # fmt: skip
    page = page_of(write_run(tmp_path / "gaps", {**tables, "tokens": tokens, "rebalances": rebalances}))
    assert "BTC3L had no units, so no leverage." in page
    assert "No rebalance was filled in an order book" in page
    assert "shadow scheduled" in page


def test_a_spot_market_without_index_or_mark_is_drawn_by_its_mid(tables, tmp_path):
    none = pl.lit(None, dtype=pl.Float64)
    marks = tables["marks"].with_columns(index_price=none, mark_price=none, premium=none, predicted_funding=none)
    page = page_of(
        write_run(tmp_path / "spot", {**empty_tables(), "marks": marks, "instruments": tables["instruments"]})
    )
    assert f"{MARKET}: mid price." in page
    assert "price [USDT]" in page
    Reader(page)


def test_a_run_on_spot_markets_alone_has_no_section_on_funding_or_liquidations(tables, tmp_path):
    none = pl.lit(None, dtype=pl.Float64)
    spot = {
        "instruments": tables["instruments"].with_columns(kind=pl.lit("spot"), contract=pl.lit(None, dtype=pl.String)),
        "marks": tables["marks"].with_columns(premium=none, predicted_funding=none),
        "cohorts": tables["cohorts"],
    }
    page = page_of(write_run(tmp_path / "spot", {**empty_tables(), **spot}))
    assert Reader(page).anchors == [name for name in SECTIONS if name not in ("funding", "liquidations")]
    assert "mid against index" in page
    assert "<td>premium</td>" not in page  # a spot market has none


def test_a_month_of_snapshots_of_two_tokens_takes_less_than_a_megabyte_and_a_half_beside_the_scripts(tmp_path):
    run = write_run(tmp_path / "long", synthetic_tables(every_ns=60 * S, duration_ns=30 * DAY), simulated_ns=30 * DAY)
    assert write_report(run).stat().st_size < 1_500_000 + sum(map(len, scripts()))
    assert sum(map(len, scripts())) < 1_000_000


def test_many_markets_are_not_all_drawn_and_the_page_says_so(tables, tmp_path):
    marks = pl.concat([tables["marks"].with_columns(market=pl.lit(f"M{number}")) for number in range(9)])
    page = page_of(write_run(tmp_path / "many", {**tables, "marks": marks}))
    assert page.count("6 of 9 markets drawn, the first ones; 3 left out.") == 1


def test_a_folder_without_a_run_is_a_users_mistake(tmp_path):
    with pytest.raises(UsageError):
        write_report(tmp_path)


def test_importing_the_room_loads_neither_charts_nor_data_frames():
    code = "import sys, marketsim.report; print(sorted({'altair', 'polars', 'vl_convert', 'numpy'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
