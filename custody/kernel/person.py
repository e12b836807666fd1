"""Whose name it is, however it was typed: what is compared where people are counted.

NFKC, casefolded, every dash and every run of spaces as one, without what cannot be seen.
"""

import re
import unicodedata
from functools import lru_cache

_DASHES = re.compile(r"[\u2010-\u2015\u2212]")
_UNSEEN = frozenset({"Cc", "Cf"})


@lru_cache(maxsize=4_096)
def fold_person(person: str) -> str:
    """What all spellings of one person have in common."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", person).casefold())
    seen = "".join(char for char in folded if char.isspace() or unicodedata.category(char) not in _UNSEEN)
    return " ".join(_DASHES.sub("-", seen).split())
