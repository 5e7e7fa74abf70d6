"""What a split or a delisting asks of a token's primary market."""

from __future__ import annotations

from typing import Protocol


class PrimaryPort(Protocol):
    """A primary market, as the life cycle of its token sees it."""

    def deliver_all(self) -> None:
        """Deliver at once what the issuer keeps in trust for clients."""
        ...

    def rescale(self, ratio: int, *, is_exact: bool) -> None:
        """Count caps and waiting redemptions in a new token worth `ratio` old ones; is_exact: of a smaller lot."""
        ...

    def close(self, reason: str) -> None:
        """Refuse everything that waits, for good."""
        ...
