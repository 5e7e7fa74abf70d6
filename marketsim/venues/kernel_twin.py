"""Rules that the kernel has compiled: here in exact numbers and in words, there compiled, under the same name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar


class KernelTwin:
    """The base of a family whose kinds the kernel has too; a kind that it has not is refused at import (TypeError).

    kernel_folder, kernel_codes: where the kernel's files stand, and the code of each.
    """

    name: ClassVar[str]
    kernel_folder: ClassVar[str]
    kernel_codes: ClassVar[Mapping[str, int]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "name" in vars(cls) and cls.name not in cls.kernel_codes:
            where = f"{cls.__module__}.{cls.__qualname__}"
            raise TypeError(
                f"{where}: the kernel has no {cls.name!r}; it needs a file {cls.kernel_folder}/{cls.name}.py"
            )

    @classmethod
    def kernel_code(cls) -> int:
        """The code by which the kernel knows it."""
        return cls.kernel_codes[cls.name]
