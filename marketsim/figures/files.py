"""The files of figures: all are made in memory first, then each is put in its place in one step."""

from __future__ import annotations

import hashlib
import json
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marketsim.datasets.provenance import json_text
from marketsim.datasets.storage import named_in_text, storing
from marketsim.datasets.store import remove_stale, write_whole
from marketsim.figures.drawing import draw
from marketsim.figures.drawn import Drawn
from marketsim.figures.picture import Picture
from marketsim.figures.rendering import rendered, style

INDEX = "figures.json"
"""The list of a set: each file with its SHA-256, and what was left out."""
_ADVICE = "use another --out"
_LINE = 100


@dataclass(frozen=True)
class Written:
    """A set of figures on the disk: its folder, the list that stands there too, and what a command answers."""

    path: Path
    figures: Sequence[Mapping[str, Any]]
    left_out: Sequence[Mapping[str, str]]

    def as_object(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {"path": str(self.path), "figures": list(self.figures), "left_out": list(self.left_out)}


def write_pictures(drawn: Drawn, folder: Path, *, formats: Sequence[str], widths: Sequence[float]) -> Written:
    """Draw all pictures, then write them; what an earlier set had and this one has not is removed, unless edited.

    Raises `EnvironmentLackError` or `UsageError` where the disk refuses.
    """
    folder = named_in_text(folder)
    made: dict[str, bytes] = {}
    figures = []
    for picture in drawn.pictures:
        own = dict(_files(picture, drawn.provenance, formats, widths))
        made |= own
        figures.append({"name": picture.name, "title": picture.title, "files": list(own)})
    left_out = [{"figure": one.figure, "reason": one.reason} for one in drawn.left_out]
    hashes = {name: _sha256(data) for name, data in made.items()}
    index = json_text({"figures": figures, "left_out": left_out, "sha256": hashes}).encode()
    with storing(folder, _ADVICE):
        folder.mkdir(parents=True, exist_ok=True)
    remove_stale(folder)
    before = _of_earlier_set(folder)
    for name, data in {**made, INDEX: index}.items():
        write_whole(folder / name, lambda aside, data=data: aside.write_bytes(data), _ADVICE)  # type: ignore[misc]
    for name, sha256 in before.items():
        if name not in made:
            _remove(folder / name, sha256)
    return Written(folder, figures, left_out)


def _files(
    picture: Picture, provenance: Sequence[str], formats: Sequence[str], widths: Sequence[float]
) -> Iterator[tuple[str, bytes]]:
    """The name and content of each file of a picture: the drawings, the table, the caption."""
    for width in widths:
        with style(width):
            figure = draw(picture, width)
            for form in formats:
                yield f"{picture.name}_{width}in.{form}", rendered(figure, form)
    yield f"{picture.name}.csv", picture.table().encode()
    yield f"{picture.name}.txt", caption(picture, provenance).encode()


def caption(picture: Picture, provenance: Sequence[str]) -> str:
    """The caption: what is drawn, from how many, with which interval; then where the numbers come from."""
    said = textwrap.fill(" ".join([f"{picture.title}.", *picture.caption]), _LINE, break_long_words=False)
    source = "\n".join(
        part if "\n" in part else textwrap.fill(part, _LINE, break_long_words=False) for part in provenance
    )
    return f"{said}\n\n{source}\n"


def _of_earlier_set(folder: Path) -> dict[str, str]:
    """The files of an earlier set by its list, with their hashes; of a list that is not ours none."""
    try:
        listed = json.loads((folder / INDEX).read_bytes())["sha256"]
        return {name: str(sha256) for name, sha256 in listed.items() if Path(name).name == name}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _remove(path: Path, sha256: str) -> None:
    """Remove a file that is still what an earlier set wrote."""
    with storing(path, _ADVICE):
        if path.is_file() and not path.is_symlink() and _sha256(path.read_bytes()) == sha256:
            path.unlink()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
