"""`python -m marketsim.site docs DIR` builds the documentation, `.. gallery DIR [NAME ..]` the gallery."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from marketsim.errors import MarketsimError
from marketsim.site.build import build_site


def main(what: str, folder: Path, names: Sequence[str]) -> int:
    """Build one of the two, of the gallery those names alone where there are some; the exit code."""
    try:
        if what == "gallery":
            from marketsim.site.gallery import build_gallery

            sys.stdout.write(f"{build_gallery(folder, names)}\n")
        else:
            sys.stdout.write(f"{build_site(folder)}\n")
    except MarketsimError as error:
        sys.stderr.write(f"{error}\n")
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), sys.argv[3:]))
