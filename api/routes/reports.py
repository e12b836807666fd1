"""Reports: how a dispute is opened, by anyone, with words alone."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import AfterValidator, Field
from sqlmodel import Session

from api import joints, lock_news
from api.find import given_number
from api.http.body import Body, Day, one_of
from api.lock_views import lock_view, own_lock
from api.parts import Parts, parts_of, service_address
from api.people import persons
from api.people.auth import BEARER, known
from api.routes.event_parts import PeopleIn
from api.trail_memory import TRAILS
from api.views import case_view, own_view
from custody.disputes.claim import CLAIMS
from custody.disputes.machine import CaseRole
from custody.disputes.opening import Report
from custody.disputes.order import OrderFacts
from custody.disputes.outside_promise import MOST_NAME, MOST_PENCE, MOST_TOLD, MOST_WORDS, Told, as_told
from custody.disputes.people import NOBODY, CasePeople, learn
from custody.disputes.remedy import Needs
from custody.kernel.clock import Instant
from custody.kernel.errors import NotFound
from custody.store import report_turn
from custody.store.unit import House
from custody.usecases.find_handset import FoundHandset, find_handset
from custody.usecases.open_dispute import least_busy
from custody.usecases.record_sale import read_sale
from custody.usecases.trails_ahead import TrailsAhead

router = APIRouter(prefix="/v1/disputes", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]
MOST_NEEDS = 20
Need = Annotated[str, Field(max_length=2_000)]


def _with_words(needs: list[str]) -> list[str]:
    """The needs that say something: an empty line is none, and holds no lock up."""
    return [need.strip() for need in needs if need.strip()]


class ToldIn(Body):
    """What the customer was promised elsewhere. Only what it was is needed; unless it is rebutted, it binds us."""

    what: str = Field(min_length=1, max_length=MOST_WORDS)
    by_whom: str = Field(default="", max_length=MOST_NAME)
    until: Day | None = Field(default=None, description="The last day on which it was to come.")
    amount_pence: int | None = Field(default=None, ge=1, le=MOST_PENCE)

    def told(self, *, now_ms: Instant) -> Told:
        """The same as it is told now."""
        return as_told(**self.model_dump(), now_ms=now_ms)


NeedsIn = Annotated[list[Need], AfterValidator(_with_words), Field(max_length=MOST_NEEDS)]
"""What a customer needs of us, in words that they agreed to."""


class DisputeIn(Body):
    """What the customer says. Only the words are needed; everything else helps."""

    words: str = Field(min_length=1, max_length=20_000)
    order: str | None = Field(default=None, max_length=100)
    item: str | None = Field(default=None, max_length=200, description="Parcel number or IMEI, in any form.")
    claim_type: str | None = Field(
        default=None, description="The kind of problem.", json_schema_extra=one_of(lambda: CLAIMS)
    )
    found_instead: str = Field(default="", max_length=2_000)
    channel: str = Field(default="web", max_length=40)
    has_working_phone: bool | None = None
    benefit_lost: bool | None = Field(
        default=None, description="Whether they lost maps, a service or the like with it."
    )
    custody_words: str | None = Field(default=None, max_length=2_000)
    support_needs: NeedsIn = Field(default_factory=list)
    anything_else: str = Field(default="", max_length=5_000)
    people: PeopleIn | None = Field(default=None, description="Who is who in the contract, if not all is one person.")
    told: list[ToldIn] = Field(
        default_factory=list, max_length=MOST_TOLD, description="What the customer was promised elsewhere, by whom."
    )


@router.post("", status_code=201, openapi_extra={"security": [{}, {BEARER.scheme_name: []}]})
def open_dispute(body: DisputeIn, request: Request, parts: P) -> dict[str, Any]:
    """Open a dispute. A customer needs no account, and reads no checks of a lock; an agent becomes the owner."""
    return take_report(body, request, parts)


def take_report(body: DisputeIn, request: Request, parts: Parts, *, token: str = "") -> dict[str, Any]:
    """The same; `token` opens the customer's page where it was made before."""
    caller = known(request, parts)
    named, item = (text if text and text.strip() else None for text in (body.order, body.item))
    trails = TrailsAhead()
    find = partial(find_handset, order_ref=named, item=item, own=parts.settings.own_prefixes, trails=trails)
    _read_ahead(parts.house, find)
    with parts.house.unit() as unit:
        report_turn.report_begins(unit)
        handset = find(unit.session)
        order, people = _order_facts(unit.session, handset.order_ref)
        owner = (
            caller.account
            if caller and caller.role == "agent"
            else least_busy(unit.session, persons.agents(unit.session))
        )
        report = Report(
            words=body.words,
            channel=body.channel,
            reported_ms=unit.now_ms,
            claim_type=body.claim_type,
            said_by=CaseRole.CUSTOMER,
            custody_words=body.custody_words,
            order=order,
            people=learn(people or NOBODY, body.people.said()) if body.people else people,
            needs=Needs(has_working_phone=body.has_working_phone, benefit_lost=body.benefit_lost),
            lock_facts=joints.wish_facts(unit.session, handset.imei),
            support_needs=tuple(body.support_needs),
            told=tuple({each.told(now_ms=unit.now_ms): None for each in body.told}),
            anything_else="\n".join(filter(None, (body.anything_else, _unrecorded(unit.session, item, trails)))),
        )
        lock_news.hold_for_move(unit, disputes=[], imei=handset.imei)
        disputed, lock = joints.dispute_delivery(
            unit, parts.locks, report, handset=handset, owner=owner, found_instead=body.found_instead, token=token
        )
        unit.session.flush()
        view = own_view(unit.session, disputed.file) if caller is None else case_view(unit.session, disputed.file)
        ordered = lock_view(unit.session, lock)
    return {
        **view,
        **link_to(disputed.token, request, parts),
        "lock": own_lock(ordered, named=handset.order_named) if caller is None else ordered,
        "investigation": disputed.investigation,
    }


def link_to(token: str, request: Request, parts: Parts) -> dict[str, str]:
    """The customer's page: its path here, and the whole address, which is what a customer can be sent."""
    path = f"/c/{token}"
    return {"customer_token": token, "customer_url": path, "customer_page": service_address(request, parts) + path}


def _read_ahead(house: House, find: Callable[[Session], FoundHandset]) -> None:
    """Read the trails that the report leads to, before the unit begins that finds the same and judges a lock."""
    with house.read() as session:
        imei = find(session).imei
    TRAILS.read_ahead(house, lambda _session: imei)


def _unrecorded(session: Session, item: str | None, trails: TrailsAhead) -> str:
    """A number that leads to nothing yet, for whoever reads the case: it is not asked for again, and found by it."""
    handset = find_handset(session, order_ref=None, item=item, trails=trails)
    if not item or handset.parcel or handset.imei:
        return ""
    return given_number(item)


def _order_facts(session: Session, order_ref: str | None) -> tuple[OrderFacts, CasePeople | None]:
    """What the seller recorded of an order, and of who is who in it."""
    if order_ref is None:
        return OrderFacts(), None
    try:
        sale = read_sale(session, order_ref).sale
    except NotFound:
        return OrderFacts(order_ref=order_ref), None
    return sale.facts, sale.people
