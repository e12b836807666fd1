"""The customer books a free collection of the wrong thing, where one comes with their offer."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from api.http.body import Body, Day, one_of
from api.routes.customer import CUSTOMER, P, own_move
from custody.disputes.collection import CollectionWindow
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.book_collection import book_collection

router = APIRouter(prefix="/v1/customer/{token}", tags=["customer"])


class CollectionIn(Body):
    """On which day, and in which hours of it."""

    collect_on: Day
    window: str = Field(json_schema_extra=one_of(lambda: CollectionWindow))


@router.post("/collection", status_code=201)
def collect(token: str, body: CollectionIn, parts: P) -> dict[str, Any]:
    """Choose when we collect the wrong thing, free; the answer holds the promise. Another time takes its place."""

    def act(unit: Unit, file: CaseFile) -> object:
        return book_collection(unit, file.case.id, day=body.collect_on, window=body.window, actor=CUSTOMER)

    return own_move(parts, token, "collect", {}, act)
