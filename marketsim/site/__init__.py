"""The documentation as one static site, and the gallery of shipped studies and claims.

Lives here: what lays the Markdown pages of a checkout out for Sphinx (`source`), pages written from what the code says
of itself (`language_reference`, `kinds_reference`, `tables_reference`, `commands_reference`, `python_reference`),
diagrams drawn at build time (`diagrams`), Sphinx's settings (`conf`), the build (`build`) and the gallery (`gallery`).
No truth of its own: a page that explains is in `docs`, a figure comes from a run. `make docs` and `make gallery` call
it; nothing imports it. Sphinx and what it needs come with the extra `docs`.
"""
