"""A text that a customer or a holder can get, with its fields in braces; `set_by` names the rules behind its dates."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A text with its fields."""

    words: str
    set_by: tuple[str, ...] = ()


def text(*sentences: str, set_by: tuple[str, ...] = ()) -> Text:
    """A text of these sentences."""
    return Text(words=" ".join(sentences), set_by=set_by)
