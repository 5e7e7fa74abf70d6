"""Colours and configuration of every chart, on light and on dark ground."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# Okabe and Ito's palette, told apart with every common colour blindness, on white and on dark ground. Yellow is left
# out, too pale for a thin line; grey stands for black, which a dark page would swallow.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, GREY, PALE = "#56B4E9", "#CC79A7", "#8A8A8A", "#B4B4B4"
PALETTE = (BLUE, ORANGE, GREEN, RED, PURPLE, SKY, GREY)


def _look(ground: str, text: str, faint: str, frame: str) -> dict[str, Any]:
    """A configuration of Vega-Lite: the colours of what is not data, and sizes of text."""
    return {
        "aria": False,
        "background": ground,
        "font": "system-ui, sans-serif",
        "axis": {
            "gridColor": faint, "domainColor": frame, "tickColor": frame, "labelColor": text, "titleColor": text,
            "labelFontSize": 11, "titleFontSize": 11, "titleFontWeight": "normal", "titlePadding": 8,
        },
        "axisY": {"minExtent": 38},
        "legend": {
            "orient": "top", "labelColor": text, "titleColor": text, "labelFontSize": 11.5, "labelLimit": 320,
            "symbolStrokeWidth": 2.5, "columnPadding": 18, "offset": 8,
        },
        "header": {"labelColor": text, "labelFontSize": 12, "labelFontWeight": "bold", "title": None},
        "text": {"color": text},
        "rule": {"color": frame},
        "view": {"stroke": frame},
    }  # fmt: skip


LIGHT: Mapping[str, Any] = _look("white", "#333333", "#e6e6e6", "#999999")
DARK: Mapping[str, Any] = _look("#16191d", "#d6d8db", "#2c3138", "#6d747d")
