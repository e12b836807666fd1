"""The investigator's inbox, the patterns of the network, running an investigation, and exporting its pack.

The inbox is sorted by what matters to customers and by pattern: those who still wait come first, then chains whose
likeliest link stands in other disputes too, then the oldest. What was learned from comes last.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from fastapi import APIRouter, Response
from sqlmodel import Session

from api.pages import words
from api.pages.render import HEADERS, see
from api.pages.visit import Decider, Staff
from api.parts import Parts
from api.routes import investigations as doors
from api.routes import packs
from api.routes.packs import PackIn
from custody.disputes.case import CASE, CaseState
from custody.disputes.inquiry import InquiryState
from custody.kernel.clock import Instant
from custody.kernel.errors import NotFound
from custody.store import case_book, inquiry_book
from custody.store.case_book import CaseFile
from custody.store.inquiry_answer import StoredAnswer, stored_answer
from custody.usecases.investigate import why_not_weighed

router = APIRouter(prefix="/console", include_in_schema=False)
SETTLED: frozenset[CaseState] = CASE.terminal | {"remedied"}
PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One line of the inbox. `others`: how many other parcels, with a report that stands, have its likeliest link."""

    state: InquiryState
    opened_ms: Instant
    file: CaseFile
    answer: StoredAnswer | None
    others: int = 0

    @property
    def customer_waits(self) -> bool:
        """Whether the customer has not been put right yet."""
        return self.file.case.state not in SETTLED


@router.get("/investigations")
def inbox(visit: Decider, start: int = 0) -> Response:
    """Every investigation, the most pressing first."""
    with visit.parts.house.read() as session:
        lines = waiting(session)
    first = max(start, 0)
    onward = first + PAGE if first + PAGE < len(lines) else None
    return visit.page("investigations.html", lines=lines[first : first + PAGE], total=len(lines), onward=onward)


def waiting(session: Session) -> list[Waiting]:
    """The lines of the inbox, the most pressing first."""
    lines = []
    same: dict[tuple[str, str | None], set[str | None]] = {}
    for row in inquiry_book.every(session):
        file, answer = case_book.read(session, row.dispute), stored_answer(row)
        lines.append(Waiting(state=row.state, opened_ms=row.opened_ms, file=file, answer=answer))
        if answer is not None and answer.leading is not None and why_not_weighed(file) is None:
            same.setdefault(answer.leading, set()).add(file.parcel)
    lines = [replace(line, others=_others(line, same)) for line in lines]
    return sorted(lines, key=_pressing)


def _pressing(line: Waiting) -> tuple[bool, bool, int, int]:
    return line.state == "learned", not line.customer_waits, -line.others, line.opened_ms


def _others(line: Waiting, same: Mapping[tuple[str, str | None], set[str | None]]) -> int:
    if line.answer is None or line.answer.leading is None:
        return 0
    return len(same.get(line.answer.leading, set()) - {line.file.parcel})


@router.get("/patterns")
def patterns(visit: Decider) -> Response:
    """Links and shifts whose disputes their traffic does not explain."""
    return visit.page("patterns.html", found=doors.hotspots(visit.parts, visit.caller))


@router.post("/investigations/{dispute}/run")
def run(dispute: str, visit: Decider) -> Response:
    """Judge the chain now, and show the trail with the answer."""
    doors.run(dispute, visit.parts, visit.caller)
    return see(trail_of(visit.parts, dispute), done="ran")


@router.get("/investigations/{dispute}")
def read(dispute: str, visit: Decider) -> Response:
    """The trail of a case's parcel."""
    return see(trail_of(visit.parts, dispute))


@router.post("/packs/{dispute}")
def export(dispute: str, visit: Staff) -> Response:
    """The evidence pack of a case, as a file to save."""
    answer = packs.build(PackIn(dispute=dispute), visit.parts, visit.caller)
    answer.headers.update(HEADERS)
    return answer


def trail_of(parts: Parts, dispute: str) -> str:
    """Where the trail of a case's parcel is; raises `NotFound` if no parcel is known."""
    with parts.house.read() as session:
        file = case_book.read(session, dispute)
    item = file.parcel or file.imei
    if item is None:
        raise NotFound("parcel", "no record says which parcel it is", fix=words.WITH_A_NUMBER)
    return f"/console/trails/{item.rpartition('/')[2]}"
