"""What customers give to their cases, in any format and byte for byte: files, and their own words.

A file may be a film of 100 MB. Whatever lists files never reads what is in them, so that a case with many of them is
as quick to open as one with none.
"""

from dataclasses import asdict, dataclass

from sqlalchemy import and_, func, not_, select, update
from sqlmodel import Session, col

from custody.kernel.clock import Instant
from custody.kernel.errors import NotFound, Rejected
from custody.store.tables import EvidenceRow

WORDS = "words.txt"
MAX_FILE_BYTES = 100 * 1024 * 1024
MAX_WORDS_BYTES = 80_000
"""As many as the longest words of the forms have; longer ones are a file like others."""
MAX_CASE_BYTES, MAX_CASE_FILES = 10 * MAX_FILE_BYTES, 500
"""What one case may hold: nobody needs an account to open one, and the disk is everybody's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A file without what is in it; `bytes` is how long it is."""

    id: str
    name: str
    media_type: str
    sha256: bytes
    bytes: int
    given_by: str
    at_ms: Instant


def is_kept(session: Session, name: str) -> bool:
    """Whether there is a file of this name."""
    return session.scalar(select(col(EvidenceRow.id)).where(col(EvidenceRow.id) == name)) is not None


def keep(session: Session, dispute: str, given: Given, content: bytes) -> None:
    """Keep a file; raises `Rejected("too_large")` where its case holds as much as it may.

    Words count apart from files: whoever gave all the files that a case holds can still say something.
    """
    words = and_(col(EvidenceRow.name) == WORDS, _LENGTH <= MAX_WORDS_BYTES)
    alike = words if given.name == WORDS and given.bytes <= MAX_WORDS_BYTES else not_(words)
    held = select(func.count(), func.coalesce(func.sum(_LENGTH), 0))
    files, size = session.execute(held.where(col(EvidenceRow.dispute) == dispute, alike)).one()
    if files >= MAX_CASE_FILES or size + given.bytes > MAX_CASE_BYTES:
        raise Rejected(
            "too_large",
            "we have as many files as we can keep here",
            fix="We keep all that you gave. Call us, and we take the rest another way.",
        )
    row = {name: value for name, value in asdict(given).items() if name != "bytes"}
    session.add(EvidenceRow(dispute=dispute, content=content, **row))


def of_case(session: Session, dispute: str) -> list[Given]:
    """The files of a case, the first one first."""
    rows = session.execute(_GIVEN.where(col(EvidenceRow.dispute) == dispute).order_by(*_IN_ORDER))
    return [Given(**row) for row in rows.mappings()]


def words_of(session: Session, dispute: str) -> dict[str, str]:
    """What the customer wrote, by the name of the file that holds it."""
    query = select(col(EvidenceRow.id), col(EvidenceRow.content)).where(col(EvidenceRow.dispute) == dispute)
    query = query.where(col(EvidenceRow.name) == WORDS, _LENGTH <= MAX_WORDS_BYTES)
    return {name: content.decode(errors="replace") for name, content in session.execute(query)}


def read(session: Session, name: str) -> tuple[Given, bytes]:
    """A file with what is in it; raises `NotFound`."""
    row = session.execute(_GIVEN.where(col(EvidenceRow.id) == name)).mappings().first()
    if row is None:
        raise NotFound("evidence", f"there is no file {name!r}", fix="Open it from the case's page.")
    content = session.execute(select(col(EvidenceRow.content)).where(col(EvidenceRow.id) == name)).scalar_one()
    return Given(**row), content


def hand_over(session: Session, dispute: str, into: str) -> None:
    """Give the files of a case to another one."""
    session.execute(update(EvidenceRow).where(col(EvidenceRow.dispute) == dispute).values(dispute=into))


_LENGTH = func.length(col(EvidenceRow.content))
_GIVEN = select(
    col(EvidenceRow.id),
    col(EvidenceRow.name),
    col(EvidenceRow.media_type),
    col(EvidenceRow.sha256),
    _LENGTH.label("bytes"),
    col(EvidenceRow.given_by),
    col(EvidenceRow.at_ms),
)
_IN_ORDER = (col(EvidenceRow.at_ms), col(EvidenceRow.id))
