"""Evidence packs: everything about a case that anyone can verify offline."""

from typing import Annotated

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict

from api import joints
from api.accounts import Caller
from api.auth import role
from api.parts import Parts, parts_of
from custody.store.tables import SaleRow
from custody.usecases.export_pack import Beside, export_pack

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
    with parts.house.unit() as unit:
        locks = joints.lock_file(unit.session, parts.locks, body.dispute)
        sale = joints.sale_row(unit.session, body.dispute)
        beside = Beside(locks=locks, records=_records(sale))
        made = export_pack(unit, body.dispute, actor=caller.account, log_signer=parts.keyring.log, beside=beside)
    headers = {
        "Content-Disposition": f'attachment; filename="{body.dispute}.zip"',
        "Weaklink-Pack-SHA256": made.digest.hex(),
        "Weaklink-Pack-Index": str(made.index),
    }
    return Response(made.content, media_type="application/zip", headers=headers)


def _records(sale: SaleRow | None) -> tuple[int, ...]:
    return () if sale is None else (sale.recorded_idx,)
