"""What a customer gives by their link, words or files: kept once, in the case in which somebody hears it."""

import hashlib

from api.form_name import name_once
from api.given_name import cut_name
from custody.disputes.machine import CaseRole
from custody.store import case_book, evidence_book
from custody.store.evidence_book import WORDS, Given
from custody.store.unit import Unit
from custody.usecases.open_dispute import hash_token
from custody.usecases.read_order import hold_where_it_goes_on

CUSTOMER = str(CaseRole.CUSTOMER)


def heard_in(unit: Unit, token: str) -> str:
    """The case in which somebody hears what is given by a link, held: where it goes on, if it was joined.

    The link is asked for again then: an erasure that was waited for has ended it.
    """
    opens = case_book.read_by_token(unit.session, hash_token(token)).case.id
    heard = hold_where_it_goes_on(unit, opens).case.id
    case_book.read_by_token(unit.session, hash_token(token))
    return heard


def keep_words(unit: Unit, dispute: str, words: str, once: str, ask: str | None = None) -> tuple[str, bool]:
    """Keep words of the customer as `keep_given` keeps a file."""
    return keep_given(unit, dispute, name=WORDS, media_type="text/plain", content=words.encode(), once=once, ask=ask)


def keep_given(
    unit: Unit, dispute: str, *, name: str, media_type: str, content: bytes, once: str, ask: str | None
) -> tuple[str, bool]:
    """The name of what was given, and whether it is new: a form that is sent twice gives it once.

    The forms of one page have one value (`once`): what is given as an answer is another thing than the same beside it.
    """
    digest = hashlib.sha256(content).digest()
    said = [dispute, name, digest.hex(), *([ask] if ask else [])]
    evidence = name_once(once, "ev", said) or unit.ids.new("ev")
    if evidence_book.is_kept(unit.session, evidence):
        return evidence, False
    given = Given(
        id=evidence,
        name=cut_name(name),
        media_type=media_type[:100],
        sha256=digest,
        bytes=len(content),
        given_by=CUSTOMER,
        at_ms=unit.now_ms,
    )
    evidence_book.keep(unit.session, dispute, given, content)
    case_book.note(unit, dispute, "evidence", actor=CUSTOMER, facts={"evidence": evidence, "sha256": digest})
    return evidence, True
