"""One's own account in the console: its password; for supervisors also who else has one, making and closing them.

Supervisors read too which cases an account saw. No password comes back in a form that was refused. An account is
closed by typing its name: it is never opened again.
"""

from collections.abc import Callable
from dataclasses import replace

from fastapi import APIRouter, Response

from api.pages.render import see
from api.pages.sent_form import Sent, Typed, check
from api.pages.visit import Staff, Supervisor, Visit
from api.people import accounts, sign_in
from api.people.auth import SIGN_IN_AGAIN
from api.routes import people, viewings
from api.routes.people import AccountIn, AwayIn
from custody.kernel.errors import Trouble

router = APIRouter(prefix="/console", include_in_schema=False)
PAGE = "/console/account"
MOST = {"name": 64, "person": accounts.MAX_PERSON, "password": 1000}
EMPTY = {"password": "", "old_password": ""}


@router.get("/account")
def read(visit: Staff) -> Response:
    """All of it on one page."""
    return _page(visit, Sent())


@router.post("/account/password")
def change_password(visit: Staff, old_password: Typed = "", password: Typed = "") -> Response:
    """Change one's own password."""

    def act() -> None:
        check({"password": password}, {"password": MOST["password"]}, needed=("password",))
        sign_in.change_password(visit.request, visit.parts, visit.caller, old=old_password, new=password)

    return _then(visit, act, done="password", sent=Sent(form="own", given=EMPTY))


@router.post("/account/sign-out-elsewhere")
def sign_out_elsewhere(visit: Staff) -> Response:
    """End every other session of one's own account."""
    people.sign_out_elsewhere(visit.request, visit.parts, visit.caller)
    return see(PAGE, done="ended_elsewhere")


@router.post("/accounts")
def add(visit: Supervisor, name: Typed = "", role: Typed = "", person: Typed = "", password: Typed = "") -> Response:
    """Make an account."""
    given = {"name": name.strip(), "role": role, "person": person, "password": password}

    def act() -> None:
        check(given, MOST, needed=tuple(MOST))
        people.add_account(AccountIn(**given), visit.parts, visit.caller)

    return _then(visit, act, done="account_made", sent=Sent(form="new", given={**given, "password": ""}))


@router.post("/accounts/close")
def close(visit: Supervisor, name: Typed = "") -> Response:
    """Close an account for ever."""
    given = {"name": name.strip()}

    def act() -> None:
        check(given, {"name": MOST["name"]}, needed=("name",))
        people.close_account(given["name"], visit.parts, visit.caller)

    return _then(visit, act, done="account_closed", sent=Sent(form="close", given=given))


@router.get("/accounts/{name}/viewings")
def cases_seen(name: str, visit: Supervisor, after: str | None = None) -> Response:
    """Which cases an account saw."""
    found = viewings.by_account(name, visit.parts, visit.caller, cursor=after)
    return visit.page("viewings.html", account=name, found=found, after=after)


@router.post("/accounts/away")
def set_away(visit: Staff, name: Typed = "", away: Typed = "") -> Response:
    """Say that somebody is away, oneself without a name, or here again."""
    is_away = away == "yes"

    def act() -> None:
        people.set_away(name.strip() or visit.caller.account, AwayIn(away=is_away), visit.parts, visit.caller)

    return _then(visit, act, done="away" if is_away else "back", sent=Sent(form="away"))


def _then(visit: Visit, act: Callable[[], object], *, done: str, sent: Sent) -> Response:
    try:
        act()
    except Trouble as trouble:
        if trouble.code == SIGN_IN_AGAIN:
            raise
        return _page(visit, replace(sent, trouble=trouble))
    return see(PAGE, done=done)


def _page(visit: Visit, sent: Sent) -> Response:
    with visit.parts.house.read() as session:
        rows = accounts.every_account(session)
    own = next(row for row in rows if row.name == visit.caller.account)
    sign_on = visit.parts.settings.oidc_name if visit.parts.sign_on else ""
    shown = rows if visit.caller.role == "supervisor" else None
    return visit.page(
        "account.html",
        rows=shown,
        is_away=own.away_ms is not None,
        is_linked=bool(sign_on and own.subject),
        sign_on=sign_on,
        roles=accounts.ROLES,
        shortest=accounts.MIN_PASSWORD,
        sent=sent,
    )
