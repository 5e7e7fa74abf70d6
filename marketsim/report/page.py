"""The page of a run: its sections in reading order, its table of contents and its style."""

from __future__ import annotations

from marketsim.report import markup
from marketsim.report.attribution import attribution
from marketsim.report.charts import numbered
from marketsim.report.facts import facts
from marketsim.report.funding import funding
from marketsim.report.holding import decay, holders, token_markets
from marketsim.report.liquidations import liquidations
from marketsim.report.markup import Markup
from marketsim.report.prices import basis, prices
from marketsim.report.provenance import limits, provenance
from marketsim.report.rebalances import rebalances
from marketsim.report.record import RunRecord
from marketsim.report.run_header import run_header, title
from marketsim.report.tokens import tokens
from marketsim.report.wealth import conservation, wealth

SECTIONS = {
    "figures": "Key figures", "prices": "Prices", "basis": "Basis and premium", "tokens": "Tokens",
    "rebalances": "Rebalances", "token-markets": "Token markets", "holders": "Holders", "funding": "Funding",
    "liquidations": "Liquidations", "attribution": "Attribution", "decay": "Decay",
    "cohorts": "Cohorts' wealth", "facts": "Stylised facts", "conservation": "Conservation",
    "limits": "What is not modelled", "provenance": "Provenance",
}  # fmt: skip

_OF_PERPETUALS = ("funding", "liquidations")
"""Sections that a run with spot markets only does not have."""

_STYLE = """
:root { color-scheme: light; }
body { margin: 0 auto; max-width: 1064px; padding: 24px 28px 60px; background: #fff; color: #1c1c1c;
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 10px; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 44px 0 12px; padding-bottom: 5px; border-bottom: 2px solid #0072B2; }
h3 { font-size: 15px; margin: 22px 0 6px; }
p { margin: 8px 0; }
.lead { font-size: 17px; max-width: 62em; }
.alarm { border-left: 5px solid #D55E00; background: #fdf0e8; padding: 10px 14px; }
.empty { color: #555; font-style: italic; }
.note, figcaption { color: #555; font-size: 13px; }
nav { margin: 18px 0 0; font-size: 14px; }
nav a { margin-right: 14px; color: #005a8c; display: inline-block; }
.tiles { display: grid; grid-template-columns: repeat(4, 1fr); gap: 10px; }
.tile { border: 1px solid #d5d5d5; border-radius: 6px; padding: 9px 12px; display: flex; flex-direction: column; }
.tile .name { font-size: 13px; color: #444; }
.tile .value { font-size: 22px; font-weight: 600; line-height: 1.3; }
.tile .below { font-size: 12px; color: #555; }
.facts { display: grid; grid-template-columns: max-content 1fr; gap: 1px 16px; margin: 6px 0; font-size: 13px; }
.facts div { display: contents; }
.facts dt { color: #555; }
.facts dd { margin: 0; overflow-wrap: anywhere; }
header .facts { display: flex; flex-wrap: wrap; gap: 0 20px; }
header .facts div { display: flex; gap: 6px; }
header .facts dd { font-weight: 600; }
figure { margin: 10px 0 18px; break-inside: avoid; min-width: 0; }
figure svg { max-width: 100%; height: auto; }
.pair { display: grid; grid-template-columns: 1fr 1fr; gap: 4px 22px; align-items: start; }
.legend { display: flex; flex-wrap: wrap; gap: 0 18px; font-size: 12.5px; margin: 0 0 3px 6px; }
.legend svg { margin-right: 6px; vertical-align: -1px; }
.wide { overflow-x: auto; margin: 8px 0; }
table { border-collapse: collapse; font-size: 12.5px; min-width: 50%; }
th, td { padding: 3px 7px; text-align: left; vertical-align: top; white-space: nowrap; }
th { border-bottom: 1.5px solid #777; vertical-align: bottom; white-space: normal; line-height: 1.25; }
th[title] { text-decoration: underline dotted #999; text-underline-offset: 3px; }
tbody tr:nth-child(even) { background: #f5f7f9; }
tfoot td { border-top: 1.5px solid #777; font-weight: 600; }
td.prose { white-space: normal; min-width: 16em; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
details { margin: 4px 0; }
summary { cursor: pointer; font-size: 13px; }
pre { font: 11.5px/1.45 ui-monospace, Consolas, Menlo, monospace; overflow-x: auto; margin: 4px 0 12px 14px; }
code { font: 11.5px ui-monospace, Consolas, Menlo, monospace; }
@media screen and (max-width: 760px) {
  body { padding: 16px 14px 40px; }
  figure div[role=img] { overflow-x: auto; }
  figure:not(.half) svg.marks { max-width: none; width: 720px; }
  .pair { grid-template-columns: 1fr; }
  .tiles { grid-template-columns: repeat(2, 1fr); }
}
@media print {
  body { max-width: none; padding: 0; font-size: 11pt; }
  nav { display: none; }
  .legend { font-size: 8pt; }
  h2, h3 { break-after: avoid; }
  tr { break-inside: avoid; }
  .wide { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: 2px 4px; }
}
"""


def document(name: str, body: Markup) -> str:
    """A self-contained HTML page: head, style and body, with no outside reference."""
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{markup.text(name)} · marketsim</title>\n<style>{_STYLE}</style>\n</head>\n"
        f"<body>\n{numbered(body)}</body>\n</html>\n"
    )


def render_page(record: RunRecord) -> str:
    """The whole report of a run as one self-contained HTML page."""
    owed = (funding, liquidations) if record.has_perpetuals else ()
    parts = (
        prices, basis, tokens, rebalances, token_markets, holders, *owed, attribution, decay, wealth, facts,
        conservation, limits, provenance,
    )  # fmt: skip
    links = markup.join(
        Markup(f'<a href="#{anchor}">{markup.text(name)}</a>')
        for anchor, name in SECTIONS.items()
        if record.has_perpetuals or anchor not in _OF_PERPETUALS
    )
    contents = Markup(f'<nav aria-label="Contents">{links}</nav>\n')
    return document(title(record), markup.join([run_header(record, contents), *(part(record) for part in parts)]))
