"""The customer says who is who: who holds the contract, pays, uses the phone, or speaks for them."""

from typing import Any

from fastapi import APIRouter

from api import joints, lock_news
from api.routes.customer import CUSTOMER, P, own_move
from api.routes.event_parts import PeopleIn
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.name_people import name_people

router = APIRouter(prefix="/v1/customer/{token}", tags=["customer"])


@router.post("/people", status_code=201)
def name(token: str, body: PeopleIn, parts: P) -> dict[str, Any]:
    """Say who is who. Nothing has to be shown for it, after a death neither; whom you leave out stays as they were."""

    def act(unit: Unit, file: CaseFile) -> None:
        lock_news.hold_for_move(unit, disputes={file.case.id})
        before = case_book.read(unit.session, file.case.id).case
        after = name_people(unit, file.case.id, said=body.said(), actor=CUSTOMER)
        unit.session.flush()
        if after.case.id == before.id:
            joints.lock_as_known(unit, parts.locks, before, after, actor=CUSTOMER)

    return own_move(parts, token, "people", {}, act)
