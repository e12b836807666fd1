"""A book of wishes that ends with its process."""

from collections.abc import Iterator

from devicelock.backends.book import Wish


class MemoryBook:
    """The wishes of one back-end, in memory."""

    def __init__(self) -> None:
        self._wishes: dict[str, Wish] = {}

    def get(self, handset: str) -> Wish | None:
        """The newest wish."""
        return self._wishes.get(handset)

    def put(self, wish: Wish) -> None:
        """Keep a wish."""
        self._wishes[wish.handset] = wish

    def drop(self, handset: str) -> None:
        """Forget the handset."""
        self._wishes.pop(handset, None)

    def __iter__(self) -> Iterator[Wish]:
        return iter(tuple(self._wishes.values()))
