"""The place of a scan: one number for its log entry and, in a batch, its position there.

`512 * index` is the place of an entry's own opening: a plain scan's, a record's. `512 * index + 1 + position` is that
of a scan in a batch, whose positions run from 0 to 255. Places are in the order of the log, and in a batch in the order
of the scans.
"""

WIDTH = 512
MOST_ENTRIES = 2**54
"""A log has fewer entries: a place is kept as a whole number of 63 bits."""


def place_of(index: int, position: int | None = None) -> int:
    """The place of the scan, or of the opening, of an entry; with its position if the entry is a batch."""
    return WIDTH * index if position is None else WIDTH * index + 1 + position


def index_of(place: int) -> int:
    """The log index of a place."""
    return place // WIDTH


def position_of(place: int) -> int | None:
    """The position in its batch; None for what is not in a batch."""
    return place % WIDTH - 1 if place % WIDTH else None


ToldPlace = int | tuple[int, int]
"""How others are told a place: its log index, or with its position in a batch."""


def tell_place(place: int) -> ToldPlace:
    """A place as others are told of it: the log index alone, or with the position in the batch."""
    position = position_of(place)
    return index_of(place) if position is None else (index_of(place), position)


def name_place(place: int) -> str:
    """How people read a place: `412`, or `412.3` for the fourth scan of a batch."""
    told = tell_place(place)
    return str(told) if isinstance(told, int) else f"{told[0]}.{told[1]}"
