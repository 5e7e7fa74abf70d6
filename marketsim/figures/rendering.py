"""Drawn figures as bytes that depend on their numbers alone: one style, no dates, no names drawn by chance.

Type in PDF is embedded as TrueType (font type 42), which journals ask for; in SVG it is drawn as outlines, so that it
looks alike where no such font is installed. Equal bytes are promised of the locked environment: another version of
matplotlib may draw another figure.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

DOTS_PER_INCH = 300
_METADATA: dict[str, dict[str, None]] = {
    "pdf": {"CreationDate": None, "ModDate": None, "Creator": None, "Producer": None},
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
}
_STYLE: dict[Any, Any] = {
    "font.family": ["DejaVu Sans"], "mathtext.fontset": "dejavusans", "text.usetex": False, "timezone": "UTC",
    "text.hinting": "no_hinting",
    "pdf.fonttype": 42, "pdf.compression": 6, "svg.fonttype": "path", "svg.hashsalt": "marketsim",
    "axes.linewidth": 0.6, "axes.spines.top": False, "axes.spines.right": False, "axes.unicode_minus": True,
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#e3e3e3", "grid.linewidth": 0.5,
    "xtick.major.width": 0.6, "ytick.major.width": 0.6, "xtick.major.size": 2.5, "ytick.major.size": 2.5,
    "lines.linewidth": 1.0, "lines.markersize": 3.5, "lines.solid_capstyle": "round", "hatch.linewidth": 0.5,
    "legend.frameon": False, "legend.handlelength": 1.6, "legend.columnspacing": 1.0, "legend.handletextpad": 0.5,
    "legend.borderaxespad": 0.1, "legend.labelspacing": 0.2, "path.simplify": False, "agg.path.chunksize": 0,
    "figure.constrained_layout.h_pad": 0.03, "figure.constrained_layout.w_pad": 0.03, "errorbar.capsize": 1.5,
    "axes.titlelocation": "left", "axes.titlepad": 3.0, "axes.labelpad": 2.5, "figure.facecolor": "white",
    "axes.formatter.useoffset": False,
}  # fmt: skip


@contextmanager
def style(width: float) -> Iterator[None]:
    """Matplotlib's own defaults and ours over them, whatever the user's settings are; smaller type in one column."""
    size = 7.0 if width < 5 else 8.0
    sizes: dict[Any, Any] = dict.fromkeys(("font.size", "axes.labelsize", "axes.titlesize"), size)
    sizes |= dict.fromkeys(("xtick.labelsize", "ytick.labelsize", "legend.fontsize"), size - 0.5)
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update({**_STYLE, **sizes})
        yield


def rendered(figure: Figure, form: str) -> bytes:
    """A figure as the bytes of a PDF, SVG or PNG file; within `style`."""
    made = io.BytesIO()
    figure.savefig(made, format=form, dpi=DOTS_PER_INCH, metadata=_METADATA[form])
    return made.getvalue()
