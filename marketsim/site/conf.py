"""Sphinx's settings: Markdown by MyST, the theme Furo, no address outside the site, warnings are errors (`build`)."""

from __future__ import annotations

import importlib.metadata

project = "marketsim"
author = "The marketsim authors"
project_copyright = "the marketsim authors, Apache-2.0"
version = release = importlib.metadata.version("marketsim-lab")

extensions = ["myst_parser", "marketsim.site.diagrams"]
source_suffix = {".md": "markdown"}
suppress_warnings: list[str] = []
nitpicky = True
nitpick_ignore_regex = [("py:.*", ".*")]  # annotations name types that have no page
templates_path: list[str] = []

myst_heading_anchors = 4
myst_fence_as_directive = ["mermaid"]
myst_enable_extensions = ["colon_fence", "attrs_inline"]
myst_links_external_new_tab = False

language = "en"
html_theme = "furo"
html_title = f"marketsim {release}"
html_static_path: list[str] = []
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # a page opened as a file may not read others
html_theme_options = {"navigation_with_keys": True}
pygments_style = "default"
pygments_dark_style = "monokai"
python_maximum_signature_line_length = 88
python_use_unqualified_type_names = True
add_module_names = False
