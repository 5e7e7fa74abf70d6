"""Publication: a study as a package that a journal's editors accept and a stranger's machine makes again.

Lives here: which runs and columns are published, the compacted data, the record of a package, and what is written from
that record (README, citation, descriptors, checksums). Not here: what a run's table is (`datasets`), how a run is made
(`simulation`, `experiments`), what is measured (`analysis`). Importing this room loads no data-frame library.
"""

from __future__ import annotations
