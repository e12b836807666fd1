"""The investigator's inbox, the patterns of the network, running an investigation, and exporting its pack.

The inbox is sorted by what matters to customers and by pattern: those who still wait come first, then chains whose
likeliest link stands in other disputes too, then the oldest.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request, Response

from api.accounts import Caller
from api.auth import role
from api.pages.render import HEADERS, page, see
from api.parts import Parts, parts_of
from api.routes import investigations as doors
from api.routes import packs
from api.routes.packs import PackIn
from custody.disputes.case import CASE
from custody.kernel.errors import NotFound
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.tables import InquiryRow

router = APIRouter(prefix="/console", include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
Investigator = Annotated[Caller, Depends(role("investigator", "supervisor"))]
SETTLED = CASE.terminal | {"remedied"}
PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """One line of the inbox. `others`: how many other disputes have the same likeliest link."""

    inquiry: InquiryRow
    file: CaseFile
    found: dict[str, Any] | None
    others: int

    @property
    def customer_waits(self) -> bool:
        """Whether the customer has not been put right yet."""
        return self.file.case.state not in SETTLED


@router.get("/investigations")
def inbox(request: Request, parts: P, caller: Investigator, start: int = 0) -> Response:
    """Every investigation, the most pressing first."""
    with parts.house.read() as session:
        rows = case_book.inquiries(session)
        found = {row.id: _result(row) for row in rows}
        pattern = Counter(key for each in found.values() if (key := _leading(each)) is not None)
        lines = [
            Waiting(
                inquiry=row,
                file=case_book.read(session, row.dispute),
                found=found[row.id],
                others=max(pattern[key] - 1, 0) if (key := _leading(found[row.id])) else 0,
            )
            for row in rows
        ]
    lines.sort(key=lambda line: (not line.customer_waits, -line.others, line.inquiry.opened_ms))
    first = max(start, 0)
    return page(
        request,
        "investigations.html",
        caller=caller,
        lines=lines[first : first + PAGE],
        total=len(lines),
        onward=first + PAGE if first + PAGE < len(lines) else None,
    )


@router.get("/patterns")
def patterns(request: Request, parts: P, caller: Investigator) -> Response:
    """Links and shifts whose disputes their traffic does not explain."""
    found = doors.hotspots(parts, caller)
    return page(request, "patterns.html", caller=caller, found=found)


@router.post("/investigations/{dispute}/run")
def run(dispute: str, parts: P, caller: Investigator) -> Response:
    """Judge the chain now, and show the trail with the answer."""
    doors.run(dispute, parts, caller)
    return see(trail_of(parts, dispute), done="ran")


@router.get("/investigations/{dispute}")
def read(dispute: str, parts: P, _caller: Investigator) -> Response:
    """The trail of a case's parcel."""
    return see(trail_of(parts, dispute))


@router.post("/packs/{dispute}")
def export(
    dispute: str, parts: P, caller: Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
) -> Response:
    """The evidence pack of a case, as a file to save."""
    answer = packs.build(PackIn(dispute=dispute), parts, caller)
    answer.headers.update(HEADERS)
    return answer


def trail_of(parts: Parts, dispute: str) -> str:
    """Where the trail of a case's parcel is; raises `NotFound` if no parcel is known."""
    with parts.house.read() as session:
        file = case_book.read(session, dispute)
    item = file.parcel or file.imei
    if item is None:
        raise NotFound("parcel", "no record says which parcel it is", fix="Give the order or the parcel number.")
    return f"/console/trails/{item.rpartition('/')[2]}"


def _result(row: InquiryRow) -> dict[str, Any] | None:
    return None if row.result is None else msgspec.json.decode(row.result)


def _leading(found: dict[str, Any] | None) -> tuple[str, str] | None:
    """The site and step of the likeliest link; None if nothing in the chain leads."""
    if not found or not found["links"]:
        return None
    best = found["links"][0]
    return (best["site"], best["step"]) if best["site"] else None
