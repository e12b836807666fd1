"""Evidence packs: everything about a case that anyone can verify offline."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from api import joints
from api.accounts import Caller
from api.auth import role
from api.parts import Parts, parts_of
from custody.usecases.export_pack import Beside, draw_up_pack, seal_pack

router = APIRouter(prefix="/v1/packs", tags=["evidence packs"])
P = Annotated[Parts, Depends(parts_of)]


class PackIn(BaseModel):
    """Which case."""

    model_config = ConfigDict(extra="forbid")
    dispute: str


@router.post("")
def build(
    body: PackIn, parts: P, caller: Annotated[Caller, Depends(role("agent", "supervisor", "investigator"))]
) -> Response:
    """Build the pack of a case; the export itself is recorded in the log."""
    with parts.house.read() as session:
        beside = Beside(locks=joints.lock_file(session, parts.locks, body.dispute))
        drawn = draw_up_pack(
            session, body.dispute, log_signer=parts.keyring.log, now_ms=parts.clock.now_ms(), beside=beside
        )
    with parts.house.unit() as unit:
        made = seal_pack(unit, drawn, actor=caller.account, log_signer=parts.keyring.log)
    headers = {
        "Content-Disposition": f'attachment; filename="{body.dispute}.zip"',
        "Weaklink-Pack-SHA256": made.digest.hex(),
        "Weaklink-Pack-Index": str(made.index),
    }
    return Response(made.content, media_type="application/zip", headers=headers)
