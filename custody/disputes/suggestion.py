"""Which kinds of problem a customer's own words suggest: a short table of words, and nothing is weighed.

- A kind is suggested where one of its words stands, in any spelling of letters and spaces, and the word is named with
  it. Words of several kinds suggest several; which it is, if it is any, the customer says.
- It decides nothing, and no rule takes it: without the customer's word a case has no kind.
- No words suggest that the customer damaged it, or holds what is somebody else's: that only they can say.
- English alone; other words suggest nothing.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from custody.disputes.claim import ClaimType

TELLING: Mapping[ClaimType, tuple[str, ...]] = MappingProxyType(
    {
        ClaimType.NEVER_RECEIVED: (
            "never came",
            "never arrived",
            "never got",
            "never received",
            "did not arrive",
            "didn't arrive",
            "has not arrived",
            "hasn't arrived",
            "parcel has not come",
        ),
        ClaimType.SUBSTITUTED: ("power bank", "something else was in", "box was empty", "parcel was empty", "a brick"),
        ClaimType.DAMAGED: ("cracked", "smashed", "crushed", "dented", "scratched"),
        ClaimType.DEFECTIVE: (
            "quiet",
            "silent",
            "no sound",
            "faulty",
            "defective",
            "does not work",
            "doesn't work",
            "not working",
            "stopped working",
            "will not turn on",
            "won't turn on",
            "does not charge",
            "will not charge",
            "won't charge",
            "since new",
            "from new",
        ),
        ClaimType.MISSING_ACCESSORY: ("no charger", "no cable", "charger is missing", "cable is missing"),
        ClaimType.RETURNED_NOT_CREDITED: ("sent it back", "posted it back", "returned it", "no refund"),
        ClaimType.MISDELIVERED: (
            "wrong address",
            "another address",
            "next door",
            "to somebody else",
            "to someone else",
        ),
        ClaimType.WRONG_ITEM: ("wrong phone", "wrong model", "wrong colour", "wrong item", "not the one i ordered"),
        ClaimType.LEAVER_LOCKED: ("locked to the network", "locked to your network", "unlock my phone"),
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A kind that words suggest, and the first of these words."""

    kind: ClaimType
    because: str


def suggest(words: str) -> tuple[Suggestion, ...]:
    """The kinds that these words suggest, in the order of the table."""
    said = " ".join(words.casefold().replace("\u2019", "'").split())
    found = []
    for kind, phrases in TELLING.items():
        standing = [phrase for phrase in phrases if re.search(rf"\b{re.escape(phrase)}\b", said)]
        found += [Suggestion(kind=kind, because=standing[0])] if standing else []
    return tuple(found)
