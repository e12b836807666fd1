"""A move of a case as a form, and its fields."""

from dataclasses import dataclass

from api.pages.sent_form import LINE, WORDS


@dataclass(frozen=True, slots=True, kw_only=True)
class FormField:
    """One field of a move. `kind` is line, words, tick, day, pounds, percent or choice; a choice has `options`."""

    name: str
    says: str
    kind: str = "line"
    needed: bool = True
    options: tuple[tuple[str, str], ...] = ()

    @property
    def most(self) -> int:
        """How many characters fit."""
        return WORDS if self.kind == "words" else LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveForm:
    """A move as a form: where on the page it stands, what it asks for, what is said of it afterwards."""

    event: str
    title: str
    button: str
    done: str
    place: str = ""
    fields: tuple[FormField, ...] = ()
    about: str = ""


WHY = FormField(name="why", says="Reasons, in words that the customer can read", kind="words")
