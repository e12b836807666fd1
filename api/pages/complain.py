"""The page that tells anybody how to complain and how to leave, and takes a complaint; no account, no form to find.

Its figures come from the policy in force on the day, so that the page and the clocks never say different things.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response

from api.http.problems import status_of
from api.pages.once import Once, fresh_once, open_once
from api.pages.people_form import MOST_PEOPLE_FORM, TypedPeople, people_in_form
from api.pages.plain_refusals import for_customers
from api.pages.render import LARGE, page, see
from api.pages.sent_form import STORY, Sent, Typed, check
from api.pages.told_form import MOST_TOLD_FORM, TypedTold, told_in_form
from api.parts import Parts, parts_of
from api.people.auth import same_site
from api.routes.reports import DisputeIn, take_report
from custody.disputes.civil import civil_date
from custody.disputes.claim import CLAIMS
from custody.disputes.policy import DEFAULT_POLICY
from custody.disputes.typed_order import bare_number
from custody.kernel.errors import Rejected, Trouble
from custody.trail.names import ask
from custody.usecases.find_handset import find_handset

router = APIRouter(prefix="/complain", include_in_schema=False)
P = Annotated[Parts, Depends(parts_of)]
HOURS_A_DAY = 24
MOST = {"words": STORY, "claim_type": 40, "order": 100, **MOST_TOLD_FORM, **MOST_PEOPLE_FORM}


@router.get("")
def read(request: Request, parts: P) -> Response:
    """The page."""
    return _page(request, parts, Sent())


@router.post("")
def tell(
    request: Request,
    parts: P,
    told: TypedTold,
    people: TypedPeople,
    *,
    words: Typed = "",
    claim_type: Typed = "",
    order: Typed = "",
    once: Once = "",
) -> Response:
    """Open a case as the API does; whoever told us goes on to a page of their own, the same one for the same form."""
    same_site(request)
    given = {"words": words, "claim_type": claim_type, "order": order, **told, **people}
    named = order.strip()
    number = next(filter(_names_an_item, (named, bare_number(named))), "")
    is_item = bool(number) and not _is_our_order(parts, named)
    try:
        check(given, MOST, needed=("words",))
        body = DisputeIn(
            words=words,
            order=named or None if not is_item else None,
            item=number if is_item else None,
            claim_type=claim_type or None,
            told=told_in_form(told),
            people=people_in_form(people),
        )

        def open_case(token: str) -> str:
            return str(take_report(body, request, parts, token=token)["customer_token"])

        token = open_once(parts, once, "complain", given, open_case)
    except Trouble as trouble:
        return _page(request, parts, Sent(given=given, trouble=for_customers(trouble)))
    return see(f"/c/{token}", large=request.query_params.get("size") == LARGE)


def _page(request: Request, parts: Parts, sent: Sent) -> Response:
    today = civil_date(parts.clock.now_ms())
    policy = DEFAULT_POLICY
    facts: dict[str, Any] = {
        "scheme": policy.value("adr_scheme", today),
        "weeks": policy.count("adr_weeks", today),
        "owner_minutes": policy.count("owner_minutes", today),
        "offer_hours": policy.count("remedy_offer_hours", today, part="unclassified"),
        "pac_seconds": policy.count("pac_seconds", today),
        "years": policy.count("former_customer_access_years", today),
        "notices": [_before(hours) for hours in policy.value("leaver_notices_hours", today)],
    }
    kinds = [(str(kind), claim.says) for kind, claim in CLAIMS.items()]
    status = 200 if sent.trouble is None else status_of(sent.trouble)
    facts |= {"kinds": kinds, "phone": parts.settings.support_phone, "somebody": sent.has(MOST_PEOPLE_FORM)}
    return page(request, "complain.html", status=status, sent=sent, once=fresh_once(parts), **facts)


def _before(hours: int) -> str:
    """A time before the end of a line: 30 days, 24 hours."""
    if hours > HOURS_A_DAY:
        return f"{hours // HOURS_A_DAY} days"
    return f"{hours} hour{'s' if hours > 1 else ''}"


def _names_an_item(text: str) -> bool:
    """Whether the text may be a parcel or a handset; everything else is taken for an order."""
    try:
        ask(text)
    except Rejected:
        return False
    return bool(text)


def _is_our_order(parts: Parts, text: str) -> bool:
    """Whether we know an order of that reference, which may look like any other number."""
    with parts.house.read() as session:
        return find_handset(session, order_ref=text, item=None).order_named
