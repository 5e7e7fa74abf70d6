"""Which tokens and issuers would trade the same markets after a move: overlap and concentration of their flows."""

from __future__ import annotations

import polars as pl

from marketsim.datasets.run import Run
from marketsim.networks import exposure
from marketsim.units import ATOMS_PER_UNIT


def flow_exposures(run: Run, *, by: str = "token") -> dict[str, dict[str, float]]:
    """What each token, or each issuer (`by`), would trade per unit of return in each market, at its last snapshot.

    These, not positions, are what crowds: a +3 and a -3 fund hold opposite positions and send orders of one sign.
    """
    legs = run.table("token_legs").sort("t_ns").group_by("token", "market", maintain_order=True).last()
    columns = legs.select("token", "market", "notional_atoms", "target_leverage")
    table = exposure.exposures(
        [(token, market, atoms / ATOMS_PER_UNIT * (target - 1)) for token, market, atoms, target in columns.iter_rows()]
    )
    issuers = {token["id"]: token["issuer"] for token in run.resolved["tokens"]}
    return exposure.joined(table, issuers) if by == "issuer" else table


def flow_overlaps(run: Run, *, by: str = "token") -> pl.DataFrame:
    """Overlap of what each two tokens or issuers would trade after a move: columns one, other, cosine, overlap."""
    table = flow_exposures(run, by=by)
    alike, shared = exposure.cosines(table), exposure.overlaps(table)
    rows = [(a, b, alike.get((a, b)), shared.get((a, b))) for a, b in alike]
    schema = {"one": pl.String, "other": pl.String, "cosine": pl.Float64, "overlap": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def flow_concentration(run: Run, *, by: str = "issuer") -> dict[str, float]:
    """Herfindahl index, by market, of who would trade it after a move: 1 where it is one issuer (or token) alone."""
    return exposure.market_concentration(flow_exposures(run, by=by))
