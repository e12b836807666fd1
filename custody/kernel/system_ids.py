"""Identifiers from the operating system's generator."""

import os

from custody.kernel.ids import spell


class SystemIds:
    """Unpredictable identifiers and bytes."""

    def new(self, prefix: str) -> str:
        """A fresh identifier; see `Ids.new`."""
        return spell(prefix, os.urandom(10))

    def random_bytes(self, count: int) -> bytes:
        """`count` unpredictable bytes."""
        return os.urandom(count)
