"""Messages to the customer: a text with its fields filled, checked by the rules of wording before it exists.

- Every transition has a text or is listed as internal. The customer hears bad news before staff dashboards turn red, so
  a message is made in the same unit of work as the move.
- A message that names a date or a sum carries the ids of the promises behind it, or the keys of the rules that set it;
  apart from those that a reason names.
- A message names no person except the owner, and no code. Proper names (the owner, an independent body) are not held
  to the rules of wording.
"""

from dataclasses import dataclass
from string import Formatter

from custody.disputes.texts import TEXTS
from custody.disputes.wording import ahead, lint_dates, lint_text
from custody.kernel.errors import Rejected

PROPER_NAMES = frozenset({"owner", "body"})
REASONS = frozenset({"reasons", "why", "reason"})
"""Fields in which somebody says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A text as it is sent, with what stands behind its dates and sums."""

    key: str
    text: str
    promises: tuple[str, ...] = ()
    set_by: tuple[str, ...] = ()


def say(key: str, *, promises: tuple[str, ...] = (), **facts: str) -> Message:
    """The message of a key; raises `Rejected("message")` for an unknown key or wrong fields, and what lint raises."""
    if key not in TEXTS:
        raise Rejected("message", f"there is no text {key!r}", fix="Use a key of the texts.")
    text = TEXTS[key]
    wanted, given = fields(key), frozenset(facts)
    if given != wanted:
        raise Rejected(
            "message",
            f"{key} takes the fields {_listed(wanted)} and got {_listed(given)}",
            fix="Give exactly these fields.",
        )
    filled = {name: fact.strip() for name, fact in facts.items()}
    plain = {name: "somebody" if name in PROPER_NAMES else fact for name, fact in filled.items()}
    lint_text(text.words.format(**plain))
    dated = {name: ahead(fact) if name in REASONS else fact for name, fact in plain.items()}
    lint_dates(text.words.format(**dated), promises=promises, set_by=text.set_by)
    return Message(key=key, text=text.words.format(**filled), promises=promises, set_by=text.set_by)


def fields(key: str) -> frozenset[str]:
    """The fields that a text takes."""
    return frozenset(name for _, name, _, _ in Formatter().parse(TEXTS[key].words) if name)


def pounds(pence: int) -> str:
    """A sum as a customer reads it: £6.46, £40."""
    whole, rest = divmod(pence, 100)
    return f"£{whole}.{rest:02d}" if rest else f"£{whole}"


def ended(words: str) -> str:
    """Somebody's words as the end of a sentence: other sentences follow them."""
    plain = words.strip()
    return plain if plain.endswith((".", "!", "?")) else f"{plain}."


def alternatives(options: tuple[str, ...]) -> str:
    """Things to choose from: "this, that or the other"."""
    return " or ".join([", ".join(options[:-1]), options[-1]]) if len(options) > 1 else options[0]


def _listed(names: frozenset[str]) -> str:
    return ", ".join(sorted(names)) or "none"
