"""A form that opens a case, sent twice since a button was tapped twice, opens one.

The form carries a value that was made for it alone (`once`). With what was typed it makes the token of the case
(`api/form_name.py`), so the same form leads to the same page; no account, cookie or memory is needed for it. The value
alone opens nothing. What was corrected before it was sent again is another report. If support has made another link
since, the form leads to the page that says so: the old link opens nothing any more, and the new one is not told here.
"""

from collections.abc import Callable, Mapping
from typing import Annotated

from fastapi import Form
from sqlmodel import Session

from api.form_name import name_once
from api.parts import Parts
from custody.kernel.errors import NotFound, Unavailable
from custody.store import case_book
from custody.usecases.open_dispute import case_of, hash_token

Once = Annotated[str, Form(max_length=100)]


def fresh_once(parts: Parts) -> str:
    """A value for one form."""
    return parts.ids.random_bytes(16).hex()


def open_once(parts: Parts, once: str, form: str, given: Mapping[str, str], open_case: Callable[[str], str]) -> str:
    """The token of the case that this form opened before or opens now; a form without a value of ours always opens one.

    `open_case` takes the token to open it with, or nothing for a fresh one.
    """
    token = name_once(once, "c", [form, sorted(given.items())])
    if not token:
        return open_case("")
    if _is_open(parts, token):
        return token
    try:
        return open_case(token)
    except Unavailable:
        if _is_open(parts, token):  # the other tap was faster
            return token
        raise


def _is_open(parts: Parts, token: str) -> bool:
    """Whether the form opened a case already, whatever link opens its page by now."""
    with parts.house.read() as session:
        for look in (_by_name, _by_link):
            try:
                look(session, token)
            except NotFound:
                continue
            return True
    return False


def _by_name(session: Session, token: str) -> object:
    return case_book.read(session, case_of(token))


def _by_link(session: Session, token: str) -> object:
    """A case of a version that did not name cases so."""
    return case_book.read_by_token(session, hash_token(token))
