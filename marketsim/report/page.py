"""The page of a run: its sections in reading order and its table of contents; what every page is made of."""

from __future__ import annotations

from importlib.resources import files

from marketsim.report import markup
from marketsim.report.attribution import attribution
from marketsim.report.embedding import finished, policy, script_elements
from marketsim.report.facts import facts
from marketsim.report.funding import funding
from marketsim.report.holding import decay, holders, token_markets
from marketsim.report.liquidations import liquidations
from marketsim.report.markup import Markup
from marketsim.report.prices import prices
from marketsim.report.provenance import limits, provenance
from marketsim.report.rebalances import rebalances
from marketsim.report.record import RunRecord
from marketsim.report.run_header import run_header, title
from marketsim.report.tokens import tokens
from marketsim.report.wealth import conservation, wealth

SECTIONS = {
    "figures": "Key figures", "prices": "Prices", "tokens": "Tokens",
    "rebalances": "Rebalances", "token-markets": "Token markets", "holders": "Holders", "funding": "Funding",
    "liquidations": "Liquidations", "attribution": "Attribution", "decay": "Decay",
    "cohorts": "Cohorts' wealth", "facts": "Stylised facts", "limits": "What is not modelled",
    "conservation": "Conservation", "provenance": "Provenance",
}  # fmt: skip

_OF_PERPETUALS = ("funding", "liquidations")
"""Sections that a run with spot markets only does not have."""


def document(name: str, body: Markup) -> str:
    """A self-contained HTML page: head, style and body, and scripts where it has charts; no address outside it."""
    scripted = '<script type="application/json" class="chart">' in body
    style = files("marketsim.report").joinpath("page.css").read_text(encoding="utf-8")
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"{policy(scripted=scripted)}"
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{markup.text(name)} · marketsim</title>\n<style>\n{style}</style>\n</head>\n"
        f"<body>\n{finished(body)}{script_elements() if scripted else ''}</body>\n</html>\n"
    )


HOW_TO_READ = Markup(
    '<p class="note scripted" hidden>Point at a chart to read its values. Drag to move along the time axis, Ctrl + '
    "wheel to zoom, double click to go back. A click on a name above a chart takes its line out.</p>\n"
)


def render_page(record: RunRecord) -> str:
    """The whole report of a run as one self-contained HTML page."""
    owed = (funding, liquidations) if record.has_perpetuals else ()
    parts = (
        prices, tokens, rebalances, token_markets, holders, *owed, attribution, decay, wealth, facts, limits,
        conservation, provenance,
    )  # fmt: skip
    links = markup.join(
        Markup(f'<a href="#{anchor}">{markup.text(name)}</a>')
        for anchor, name in SECTIONS.items()
        if record.has_perpetuals or anchor not in _OF_PERPETUALS
    )
    contents = Markup(f'<nav aria-label="Contents">{links}</nav>\n{HOW_TO_READ}')
    return document(title(record), markup.join([run_header(record, contents), *(part(record) for part in parts)]))
