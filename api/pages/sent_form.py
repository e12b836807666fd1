"""A form that comes back because it was refused: what was typed stays, and what is wrong is said beside its field.

- A refusal is about a field if its code, or a guard that does not hold, is the field's name or stands for it here.
- A field at fault is named to a screen reader by `aria-invalid` and `aria-describedby` (WCAG 2.2, 3.3.1 and 4.1.2).
- A form that somebody's act has taken off its page has no field to go to: what was typed stands in the notice then.
- A browser sends a line break as two characters and counts it once (HTML, 4.10.5.4 and 4.10.21): so do we.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Self

from fastapi import Form
from pydantic import AfterValidator

from custody.kernel.errors import Conflict, Rejected, Trouble

FIELDS: Mapping[str, str] = {
    "question": "challenge",
    "payout_route": "payout",
    "price_reduction": "price_reduction_pence",
    "days": "delivered",
    "unpromised": "text",
    "never_asked": "item",
    "held_by_us": "item",
    "asked_before": "item",
    "same_case": "into",
    "reference": "handset",
    "claim_type_set": "custody_words",
    "customer_heard_or_hearing_lapsed": "heard",
    "unheard": "heard",
    "payout_route_works_for_this_customer": "payout",
    "positive_evidence_about_this_person": "says",
    "proof_of_remedy": "reference",
    "reasons": "why",
    "same_customer_or_consent": "consent",
    "in_time": "told",
    "until": "told_until",
    "reasons_given": "why",
    "reasons_for_it": "why",
    "change_written": "change",
    "confidence_stated": "probability",
    "same": "other",
    "account": "name",
    "account_name": "name",
    "account_exists": "name",
    "last_supervisor": "name",
    "wrong_password": "old_password",
}
LINE, WORDS, STORY = 200, 2_000, 20_000

Typed = Annotated[str, Form(), AfterValidator(lambda text: text.replace("\r\n", "\n"))]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A form as it was sent, by its `form` name where a page has several, and what it was refused for."""

    form: str = ""
    given: Mapping[str, str] = field(default_factory=dict)
    trouble: Trouble | None = None
    kept: Mapping[str, str] = field(default_factory=dict)
    """What was typed or chosen, by what the fields say, for a page that has the form no more."""

    def text(self, name: str, form: str = "") -> str:
        """What was typed into a field; nothing if another form was sent."""
        return self.given.get(name, "") if form == self.form else ""

    def has(self, names: Iterable[str]) -> bool:
        """Whether any of these fields of the page's own form was filled in."""
        return any(self.text(name).strip() for name in names)

    @property
    def at(self) -> str:
        """The id of the field at fault; empty if none is."""
        return next((self.id(name, self.form) for name in self.given if self.wrong(name, self.form)), "")

    def on_page(self, *, has_form: bool, state: str = "") -> Self:
        """As its page shows it. If the page has the form no more, its fields are not what was wrong.

        `state`: where that stands which the form would move; a move that is over is over, whatever its form holds.
        """
        if has_form:
            return replace(self, kept={})
        kept, trouble = {says: text for says, text in self.kept.items() if text.strip()}, self.trouble
        if isinstance(trouble, Rejected) and (state or self.at):
            trouble = Conflict("move", "this is not possible any more", fix="Look at it as it is now.", state=state)
        return replace(self, given={}, trouble=trouble, kept=kept)

    @staticmethod
    def id(name: str, form: str = "") -> str:
        """The id of a field on its page."""
        return f"{form}-{name}" if form else name

    def wrong(self, name: str, form: str = "") -> bool:
        """Whether this field is at fault."""
        if self.trouble is None or form != self.form or name not in self.given:
            return False
        return any(
            name in {code, FIELDS.get(code)} for code in (self.trouble.code, *self.trouble.facts.get("unmet", ()))
        )


def check(given: Mapping[str, str], most: Mapping[str, int], *, needed: tuple[str, ...] = ()) -> None:
    """Return if every field of `most` is short enough and no needed one is empty; raises `Rejected` with its name."""
    for name, limit in most.items():
        text = given.get(name, "")
        if name in needed and not text.strip():
            raise Rejected(name, "one field is still empty", fix="Please fill it in.")
        if len(text) > limit:
            raise Rejected(name, f"one field has {len(text)} letters, and {limit} fit", fix="Please make it shorter.")
