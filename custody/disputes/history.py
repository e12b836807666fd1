"""What we know of the customer's past: it can only speak for them.

Some kinds of fact become a note in the customer's favour, shown to every later handler in the customer's own words.
Every other kind has no effect at all. No rule about remedies, asks, clocks or locks takes these facts as an argument.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryFact:
    """One fact of the past: its kind, and what it says."""

    kind: str
    words: str


IN_FAVOUR = MappingProxyType(
    {
        "tenure": "A customer for a long time",
        "payment_record": "Pays as agreed",
        "vetting": "Passed vetting",
        "kept_word": "Kept their word before",
        "spoken_for": "Somebody speaks for them",
    }
)


def notes_in_favour(history: Iterable[HistoryFact]) -> tuple[str, ...]:
    """The notes that speak for the customer; nothing else comes out of a history."""
    return tuple(dict.fromkeys(f"{IN_FAVOUR[fact.kind]}: {fact.words}" for fact in history if fact.kind in IN_FAVOUR))
