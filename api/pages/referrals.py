"""The forms of a case that is handed on: who its customer is, to which desk it goes, and whether it is taken there."""

from collections.abc import Callable

from fastapi import APIRouter, Response

from api.pages.cases import case_page
from api.pages.render import see
from api.pages.sent_form import LINE, Sent, Typed, check
from api.pages.visit import Staff, Visit
from api.routes import referrals
from api.routes.referrals import RecognisedIn, ReferralIn
from custody.kernel.errors import Trouble

router = APIRouter(prefix="/console/cases/{dispute}", include_in_schema=False)


@router.post("/recognised")
def recognised(dispute: str, visit: Staff, how: Typed = "") -> Response:
    """Write down how the customer was recognised."""

    def act() -> None:
        check({"how": how}, {"how": LINE}, needed=("how",))
        referrals.recognise(dispute, RecognisedIn(how=how), visit.parts, visit.caller)

    return _then(visit, dispute, act, done="recognised", sent=Sent(form="recognised", given={"how": how}))


@router.post("/referral")
def refer(dispute: str, visit: Staff, desk: Typed = "") -> Response:
    """Offer the case to another desk."""

    def act() -> None:
        check({"desk": desk}, {"desk": LINE}, needed=("desk",))
        referrals.refer(dispute, ReferralIn(desk=desk), visit.parts, visit.caller)

    return _then(visit, dispute, act, done="referred", sent=Sent(form="referral", given={"desk": desk}))


@router.post("/accept")
def accept(dispute: str, visit: Staff) -> Response:
    """Take the case."""
    return _then(visit, dispute, lambda: referrals.accept(dispute, visit.parts, visit.caller), done="accepted")


@router.post("/keep")
def keep(dispute: str, visit: Staff) -> Response:
    """End the referral."""
    return _then(visit, dispute, lambda: referrals.keep(dispute, visit.parts, visit.caller), done="stays")


def _then(visit: Visit, dispute: str, act: Callable[[], object], *, done: str, sent: Sent | None = None) -> Response:
    try:
        act()
    except Trouble as trouble:
        held = sent or Sent()
        return case_page(visit, dispute, sent=Sent(form=held.form, given=held.given, trouble=trouble))
    return see(f"/console/cases/{dispute}", done=done, at="desk")
