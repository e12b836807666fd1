"""Desks, and handing a case on from one to another without letting go of it; the customer is recognised once."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import Field

from api.http.body import Body, one_of
from api.parts import Parts, parts_of
from api.people import persons
from api.people.accounts import Caller
from api.people.auth import role
from api.referral_token import make_token, read_token
from api.routes.disputes import CASEWORKERS
from api.views import case_view
from custody.disputes.civil import civil_date
from custody.disputes.machine import CaseRole
from custody.disputes.policy import DEFAULT_POLICY
from custody.disputes.referral import RECOGNISED_BY, AtDesk
from custody.kernel.clock import MINUTE_MS, Instant, from_iso, to_iso
from custody.kernel.errors import Conflict
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.referral_book import referred_now
from custody.store.unit import Unit
from custody.usecases import refer_case

router = APIRouter(prefix="/v1", tags=["disputes"])
P = Annotated[Parts, Depends(parts_of)]
Caseworker = Annotated[Caller, Depends(role(*CASEWORKERS))]


class RecognisedIn(Body):
    """How a customer was recognised; what they said for it is not sent."""

    how: str = Field(json_schema_extra=one_of(lambda: RECOGNISED_BY))


class ReferralIn(Body):
    """To which desk a case is referred."""

    desk: str = Field(max_length=100)


class TokenIn(Body):
    """The token that came with a customer."""

    token: str = Field(max_length=4_000)


@router.get("/desks")
def desks(parts: P, _caller: Caseworker) -> dict[str, Any]:
    """Which desk takes what, and to which it may refer; every case begins at the first one.

    `kinds` is null where every kind is taken, and what has none yet. No desk turns a customer away.
    """
    return {
        "desks": [
            {
                "desk": desk.desk,
                "says": desk.says,
                "kinds": None if desk.kinds is None else sorted(desk.kinds),
                "customers": sorted(desk.customers),
                "refers_to": list(desk.refers_to),
            }
            for desk in parts.desks.desks
        ]
    }


@router.get("/referrals")
def referrals(parts: P, _caller: Caseworker) -> dict[str, Any]:
    """Cases that wait for somebody at another desk to accept them, the one that waits longest first."""
    with parts.house.look() as unit:
        return {"referrals": [desk_view(parts, file, now_ms=unit.now_ms) for file in referred_files(unit)]}


@router.post("/referrals/read")
def read(body: TokenIn, parts: P, _caller: Caseworker) -> dict[str, Any]:
    """What a token says that came with a customer: which case, and who recognised them how. It lasts 30 minutes."""
    said = read_token(parts.keyring.referrals, body.token)
    if parts.clock.now_ms() >= from_iso(said["until"]):
        raise Conflict("referral_over", f"the token ended at {said['until']}", fix=f"Open {said['dispute']} instead.")
    return said


@router.get("/disputes/{dispute}/desk")
def at_desk(dispute: str, parts: P, _caller: Caseworker) -> dict[str, Any]:
    """At which desk a case is, where it may be referred to, who recognised its customer, and the referral that stands.

    `token` goes with the customer to the other desk: it says that they were recognised, by whom and how.
    """
    with parts.house.read() as session:
        return desk_view(parts, case_book.read(session, dispute), now_ms=parts.clock.now_ms())


@router.post("/disputes/{dispute}/recognised")
def recognise(dispute: str, body: RecognisedIn, parts: P, caller: Caseworker) -> dict[str, Any]:
    """Say how the customer was recognised. While that holds a second time is refused with 409, which names the first.

    Nobody has to be recognised to be helped.
    """
    with parts.house.unit() as unit:
        file = refer_case.recognise(unit, dispute, how=body.how, actor=caller.account)
        return desk_view(parts, file, now_ms=unit.now_ms)


@router.post("/disputes/{dispute}/referral")
def refer(dispute: str, body: ReferralIn, parts: P, caller: Caseworker) -> dict[str, Any]:
    """Offer a case to another desk. It stays with its owner until somebody there accepts it within 30 minutes."""
    with parts.house.unit() as unit:
        owner = case_book.read(unit.session, dispute).case.owner
        file = refer_case.refer(
            unit,
            dispute,
            desk=body.desk,
            directory=parts.desks,
            someone_there=any(name != owner for name in persons.agents(unit.session)),
            actor=caller.account,
        )
        return desk_view(parts, file, now_ms=unit.now_ms)


@router.post("/disputes/{dispute}/referral/accept")
def accept(dispute: str, parts: P, caller: Caseworker) -> dict[str, Any]:
    """Take a case that is referred to your desk: all of it is yours, and the customer is told your name.

    Nobody asks them again who they are, or to call. If the desk takes such a case no more, it stays where it is.
    """
    with parts.house.unit() as unit:
        role = CaseRole(caller.role)
        file = refer_case.accept(unit, dispute, directory=parts.desks, actor=caller.account, role=role)
        unit.session.flush()
        return {**case_view(unit.session, file), **desk_view(parts, file, now_ms=unit.now_ms)}


@router.post("/disputes/{dispute}/referral/keep")
def keep(dispute: str, parts: P, caller: Caseworker) -> dict[str, Any]:
    """End a referral that nobody accepted: the case stays with its owner, and nothing is told to the customer."""
    with parts.house.unit() as unit:
        file = refer_case.keep(unit, dispute, actor=caller.account)
        return desk_view(parts, file, now_ms=unit.now_ms)


def referred_files(unit: Unit) -> list[CaseFile]:
    """The cases whose referral stands now."""
    minutes = DEFAULT_POLICY.count("handoff_token_minutes", civil_date(unit.now_ms))
    return referred_now(unit.session, since_ms=unit.now_ms - minutes * MINUTE_MS, now_ms=unit.now_ms)


def desk_view(parts: Parts, file: CaseFile, *, now_ms: Instant) -> dict[str, Any]:
    """A case among the desks."""
    at, case = file.at_desk, file.case
    offered, known = at.referral_now(now_ms), _recognised(at, now_ms)
    said = None
    if offered is not None:
        until = to_iso(offered.until_ms)
        said = {"dispute": case.id, "desk": offered.desk, "by": offered.by, "until": until, "recognised": known}
    return {
        "dispute": case.id,
        "owner": case.owner,
        "desk": parts.desks.at(at.desk).desk,
        "may_refer_to": [desk.desk for desk in parts.desks.onward(at.desk, case.claim_type, file.order.standing)],
        "recognised": known,
        "referral": None if said is None else {**said, "token": make_token(parts.keyring.referrals, said)},
    }


def _recognised(at: AtDesk, now_ms: Instant) -> dict[str, str] | None:
    known = at.recognised_now(now_ms)
    if known is None:
        return None
    return {"by": known.by, "how": known.how, "at": to_iso(known.at_ms), "until": to_iso(known.until_ms)}
