"""LICENSE-DATA and LICENSE-CODE: which licence holds for what, by its SPDX name and where its text is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, distribution

from marketsim.publication.layout import LICENSE_URL
from marketsim.publication.record import PackageRecord


def data_licence(record: PackageRecord) -> str:
    """The text of LICENSE-DATA."""
    name = record.metadata.data_license
    return _notice(record, "All files but those under environment/", name)


def code_licence(record: PackageRecord) -> str:
    """The text of LICENSE-CODE: that of the program that made the data, in full where it is installed with it."""
    notice = _notice(record, "The files under environment/ and scenario/", record.metadata.code_license)
    try:
        found = distribution("marketsim-lab")
    except PackageNotFoundError:
        return notice
    text = next((found.read_text(name) for name in ("licenses/LICENSE", "LICENSE") if found.read_text(name)), None)
    return f"{notice}\n{text}" if text else notice


def _notice(record: PackageRecord, what: str, name: str) -> str:
    authors = ", ".join(author.name for author in record.metadata.authors)
    return (
        f"{record.metadata.title}\nCopyright {record.built_utc[:4]} {authors}\n\n"
        f"{what} may be used under {name}: {LICENSE_URL.format(name)}\n"
    )
