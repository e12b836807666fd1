"""The wishes of one back-end in the database: a `Book` whose every act is a unit of its own.

A back-end stores a wish before it speaks and what it learned afterwards, with the network call between the two units
and never inside one. The rows come back with a backup; what a backup must not bring back does not rest on them: a
retired device is known from the anchor, and no version is used twice because the anchored epoch is part of it
(`plan_parts.next_version`).
"""

from collections.abc import Iterator

import msgspec

from custody.store.unit import House
from devicelock import part_store
from devicelock.backends.book import Wish
from devicelock.part_store import WishRow


class TableBook:
    """The book of one back-end."""

    def __init__(self, house: House, backend: str) -> None:
        self._house = house
        self._backend = backend

    def get(self, handset: str) -> Wish | None:
        """The newest wish, or None if nothing was ever wished."""
        with self._house.read() as session:
            row = session.get(WishRow, (self._backend, handset))
            return None if row is None else _read(row.wish)

    def put(self, wish: Wish) -> None:
        """Store a wish durably in place of the older one."""
        with self._house.unit() as unit:
            row = unit.session.get(WishRow, (self._backend, wish.handset))
            row = row or WishRow(backend=self._backend, handset=wish.handset, wish="")
            row.wish = msgspec.json.encode(wish).decode()
            unit.session.add(row)

    def drop(self, handset: str) -> None:
        """Forget the handset."""
        with self._house.unit() as unit:
            row = unit.session.get(WishRow, (self._backend, handset))
            if row is not None:
                unit.session.delete(row)

    def __iter__(self) -> Iterator[Wish]:
        with self._house.read() as session:
            found = [_read(text) for text in part_store.wishes(session, self._backend)]
        return iter(found)


def _read(text: str) -> Wish:
    return msgspec.json.decode(text, type=Wish)
