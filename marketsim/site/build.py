"""The site's build: pages laid out, Sphinx over them with warnings as errors, and a start page at the top."""

from __future__ import annotations

import io
import shutil
from pathlib import Path

from marketsim.errors import EnvironmentLackError, ResultError

INSTALLS = "pip install 'marketsim-lab[docs]'"
ROOT_PAGE = "marketsim/docs/index"
START = (
    '<!doctype html><meta charset="utf-8"><title>marketsim</title>'
    '<meta http-equiv="refresh" content="0; url={page}"><a href="{page}">marketsim</a>\n'
)


def build_site(folder: Path) -> Path:
    """Build the documentation of this checkout below a folder, and return its start page.

    What stood there is replaced. Raises EnvironmentLackError without Sphinx, or outside of a checkout, and ResultError
    with every warning that Sphinx gave.
    """
    root = Path(__file__).resolve().parents[2]
    if not (root / "README.md").exists():
        raise EnvironmentLackError(
            "the site is built from a checkout; an installed package has its pages in marketsim/docs"
        )
    from marketsim.site.source import lay_out

    shutil.rmtree(folder, ignore_errors=True)
    source, html = folder / "source", folder / "html"
    source.mkdir(parents=True)
    lay_out(root, source)
    html_of(source, html, folder / "doctrees", root_doc=ROOT_PAGE)
    start = html / "index.html"
    start.write_text(START.format(page=f"{ROOT_PAGE}.html"), encoding="utf-8")
    return start


def html_of(source: Path, html: Path, doctrees: Path, *, root_doc: str) -> None:
    """Make HTML of a folder of Markdown pages; raises EnvironmentLackError and ResultError as `build_site` does."""
    try:
        from sphinx.application import Sphinx
        from sphinx.util.docutils import docutils_namespace, patch_docutils
    except ImportError as error:
        raise EnvironmentLackError(f"the site needs {error.name}", INSTALLS) from None
    warnings, settings = io.StringIO(), {"root_doc": root_doc}
    with patch_docutils(), docutils_namespace():
        app = Sphinx(
            str(source), str(Path(__file__).parent), str(html), str(doctrees), "html",
            confoverrides=settings, status=None, warning=warnings, freshenv=True,
        )  # fmt: skip
        app.build()
    if warnings.getvalue():
        raise ResultError(f"the pages have faults:\n{warnings.getvalue()}")
