"""Signing in and out, and accounts."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import Field

from api.act_alerts import tell_of_account, tell_of_closed
from api.http.body import Body, one_of
from api.parts import Parts, parts_of
from api.people import accounts, persons, sign_in
from api.people.accounts import Caller
from api.people.auth import role, signed_in, signed_in_lately, token_of
from api.people.tables import AccountRow
from custody.kernel.clock import HOUR_MS, to_iso

router = APIRouter(prefix="/v1", tags=["people"])
P = Annotated[Parts, Depends(parts_of)]
Supervisor = Annotated[Caller, Depends(role("supervisor"))]


class SignIn(Body):
    """Name and password of an account."""

    account: str
    password: str


NewPassword = Annotated[str, Field(json_schema_extra={"minLength": accounts.MIN_PASSWORD})]


class AccountIn(Body):
    """A new account. `person` names the human behind it: two accounts of one person never count as two people."""

    name: str
    role: str = Field(json_schema_extra=one_of(lambda: accounts.ROLES))
    person: str
    password: NewPassword


class AwayIn(Body):
    """Whether the person behind an account is away."""

    away: bool


class PasswordIn(Body):
    """One's own password, and the one that takes its place."""

    old: str
    new: NewPassword


@router.post("/sessions", status_code=201)
def start_session(body: SignIn, request: Request, answer: Response, parts: P) -> dict[str, Any]:
    """Start a session; send the token as a bearer token. Who keeps the cookie is kept out by nobody else's guesses."""
    token = sign_in.sign_in(request, parts, account=body.account, password=body.password)
    with parts.house.read() as session:
        now_ms = parts.clock.now_ms()
        caller = accounts.caller_of(session, token, now_ms=now_ms)
    sign_in.keep_mark(answer, request, parts, account=body.account)
    until_ms = now_ms + parts.settings.session_hours * HOUR_MS
    return {"token": token, "account": caller.account, "role": caller.role, "until": to_iso(until_ms)}


@router.delete("/sessions", status_code=204)
def sign_out(request: Request, parts: P, _caller: Annotated[Caller, Depends(signed_in)]) -> Response:
    """End this session."""
    with parts.house.unit() as unit:
        accounts.sign_out(unit.session, token_of(request))
    return Response(status_code=204)


@router.get("/me")
def me(caller: Annotated[Caller, Depends(signed_in)]) -> dict[str, str]:
    """Who is calling."""
    return {"account": caller.account, "role": caller.role, "person": caller.person}


@router.delete("/me/sessions", status_code=204)
def sign_out_elsewhere(request: Request, parts: P, caller: Annotated[Caller, Depends(signed_in)]) -> Response:
    """End every other session of one's own account, and every token that was drawn from one."""
    with parts.house.unit() as unit:
        accounts.sign_out_elsewhere(unit.session, caller, token=token_of(request))
    return Response(status_code=204)


@router.post("/me/password", status_code=204)
def change_password(
    body: PasswordIn, request: Request, parts: P, caller: Annotated[Caller, Depends(signed_in)]
) -> Response:
    """Change one's own password; every other session of the account ends. Who forgot it needs another account."""
    sign_in.change_password(request, parts, caller, old=body.old, new=body.new)
    return Response(status_code=204)


@router.get("/accounts")
def list_accounts(parts: P, _caller: Supervisor) -> dict[str, Any]:
    """Every account, and who made it; those that were closed are not active."""
    with parts.house.read() as session:
        return {"accounts": [_account(row) for row in accounts.every_account(session)]}


@router.post("/accounts", status_code=201)
def add_account(body: AccountIn, parts: P, caller: Supervisor) -> dict[str, str]:
    """Make a local account. Who makes one, for whom and in which role stands in the log."""
    signed_in_lately(parts, caller, parts.settings.shortest_sign_in_minutes)
    asked, kept = body.model_dump(exclude={"password"}), accounts.hash_new(body.password)
    with parts.house.unit() as unit:
        person = accounts.add_account(unit.session, **asked, password_hash=kept, by=caller.account, now_ms=unit.now_ms)
        made = {"name": body.name, "role": body.role, "person": person}
        unit.record("account.made", {**made, "by": caller.account})
        tell_of_account(unit, made=body.name, role=body.role, person=person, account=caller.account)
    return made


@router.post("/accounts/{name}/close")
def close_account(name: str, parts: P, caller: Supervisor) -> dict[str, Any]:
    """End an account and its sessions at once and for ever, as when somebody leaves or a password was stolen.

    Cases that it looked after get another owner, and what it asked for and nobody else decided is not carried out.
    `made`: the open accounts that it made, or those made it; whoever stole it may have them still.
    """
    with parts.house.unit() as unit:
        if accounts.close_account(unit.session, name):
            unit.record("account.closed", {"name": name, "by": caller.account})
            role = unit.session.get_one(AccountRow, name).role
            tell_of_closed(unit, closed=name, role=role, account=caller.account)
        made = persons.open_accounts_from(unit.session, name)
    return {"name": name, "active": False, "made": made}


@router.post("/accounts/{name}/away")
def set_away(name: str, body: AwayIn, parts: P, caller: Annotated[Caller, Depends(signed_in)]) -> dict[str, Any]:
    """Say that you are away, or here again; of somebody else a supervisor says it.

    No new case goes to whoever is away, and after some minutes of the policy their cases get another owner, of whom the
    customers are told.
    """
    with parts.house.unit() as unit:
        if accounts.set_away(unit.session, name, away=body.away, caller=caller, now_ms=unit.now_ms):
            unit.record("account.away" if body.away else "account.back", {"name": name, "by": caller.account})
    return {"name": name, "away": body.away}


def _account(row: AccountRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "role": row.role,
        "person": row.person,
        "active": row.active,
        "away_since": None if row.away_ms is None else to_iso(row.away_ms),
        "made_by": row.created_by,
        "made": to_iso(row.created_ms),
    }
