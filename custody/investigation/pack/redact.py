"""What a pack leaves out, and why: redactions.json.

A pack goes to the customer, to carriers and to an independent scheme, so nobody's contact stands in it. E-mail
addresses and phone numbers inside free text are replaced by a note of what stood there; free numbers (0800, 0808, 03)
are the house's own and stay. Whole members may be left out by name. A record of the log whose content holds a contact
cannot be cut, because its digest was signed; its opening is withheld as a whole.

Each omission is a line: the file, where in it, and the reason. What is not in the list was not left out.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from custody.investigation.pack.json_form import plain, read_as, read_json, write_json

TABLE = "redactions.json"
CONTACT = "somebody's contact"

_MAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", re.ASCII)
_PHONE = re.compile(r"(?<![\w/:.+-])\(?(?!0(?:800|808|3))(?:\+\d{1,3}|0)(?:[ ()-]{0,2}\d){8,11}(?![\d-])", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Redaction:
    """One omission; `where` is a path of names inside the file, empty for the whole file."""

    file: str
    where: str
    why: str


def write_redactions(redactions: Iterable[Redaction]) -> dict[str, bytes]:
    """The file with every omission."""
    return {TABLE: write_json(plain(in_order(redactions)))}


def in_order(redactions: Iterable[Redaction]) -> list[Redaction]:
    """Each omission once, as the file lists them."""
    return sorted(set(redactions), key=lambda row: (row.file, row.where, row.why))


def read_redactions(files: Mapping[str, bytes]) -> tuple[Redaction, ...]:
    """The omissions of a pack; raises `Rejected("pack_json")`."""
    return tuple(read_as(read_json(files.get(TABLE, b""), where=TABLE), list[Redaction], where=TABLE))


def redact(value: Any, *, file: str, where: str = "") -> tuple[Any, tuple[Redaction, ...]]:
    """The JSON value without contacts, and what was taken out."""
    if isinstance(value, str):
        cut = _PHONE.sub("[phone number left out]", _MAIL.sub("[e-mail address left out]", value))
        return cut, () if cut == value else (Redaction(file=file, where=where, why=CONTACT),)
    if isinstance(value, dict):
        parts = {key: redact(item, file=file, where=f"{where}/{key}") for key, item in value.items()}
        return {key: part for key, (part, _) in parts.items()}, _redactions(parts.values())
    if isinstance(value, list):
        items = [redact(item, file=file, where=f"{where}/{place}") for place, item in enumerate(value)]
        return [item for item, _ in items], _redactions(items)
    return value, ()


def holds_contact(value: Any) -> bool:
    """Whether a contact stands anywhere in a JSON value."""
    return bool(redact(value, file="")[1])


def leave_out(value: dict[str, Any], reasons: Mapping[str, str], *, file: str, where: str) -> tuple[Redaction, ...]:
    """Take members out of a JSON object; those that held nothing leave no line."""
    taken = []
    for key, why in reasons.items():
        if value.pop(key, None):
            taken.append(Redaction(file=file, where=f"{where}/{key}", why=why))
    return tuple(taken)


def _redactions(parts: Any) -> tuple[Redaction, ...]:
    return tuple(row for _, rows in parts for row in rows)
