"""Evidence packs: everything about a case that anyone can verify offline."""

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from sqlmodel import Session

from api.http.body import Body
from api.http.openapi import sent_as
from api.lock_file import lock_file
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from api.seen_cases import note_viewing
from custody.kernel.errors import Rejected
from custody.store import case_book, witness_book
from custody.usecases.export_pack import Beside, Drawn, draw_up_pack, seal_pack

router = APIRouter(prefix="/v1/packs", tags=["evidence packs"])
P = Annotated[Parts, Depends(parts_of)]


class PackIn(Body):
    """Which case."""

    dispute: str


@router.post("", response_class=Response, responses={200: sent_as("application/zip")})
def build(
    body: PackIn, parts: P, caller: Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
) -> Response:
    """Build the pack of a case; the export itself is recorded in the log."""
    with parts.house.read() as session:
        beside = Beside(locks=lock_file(session, parts.locks, body.dispute), note=_cosigned(session, body.dispute))
        drawn = _draw_up(session, parts, body.dispute, beside)
    with parts.house.unit() as unit:
        made = seal_pack(unit, drawn, actor=caller.account, log_signer=parts.keyring.log)
    note_viewing(parts, caller, body.dispute)
    headers = {
        "Content-Disposition": f'attachment; filename="{body.dispute}.zip"',
        "Weaklink-Pack-SHA256": made.digest.hex(),
        "Weaklink-Pack-Index": str(made.index),
    }
    return Response(made.content, media_type="application/zip", headers=headers)


def _cosigned(session: Session, dispute: str) -> bytes | None:
    """The newest checkpoint that the witnesses cosigned, if it covers every step of the case so far."""
    row = witness_book.newest(session)
    steps = [line.idx for line in case_book.timeline(session, dispute) if line.idx is not None]
    return row.note if row is not None and row.size > max(steps, default=0) else None


def _draw_up(session: Session, parts: Parts, dispute: str, beside: Beside) -> Drawn:
    """The pack, proved against the cosigned checkpoint; against the newest of all if that one does not reach."""
    signer, now_ms = parts.keyring.log, parts.clock.now_ms()
    try:
        return draw_up_pack(session, dispute, log_signer=signer, now_ms=now_ms, beside=beside)
    except Rejected as error:
        if error.code != "checkpoint" or beside.note is None:
            raise
        bare = replace(beside, note=None)
        return draw_up_pack(session, dispute, log_signer=signer, now_ms=now_ms, beside=bare)
