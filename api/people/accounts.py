"""Local accounts and their sessions, of which some people sign in at a provider (`process/open_id.py`).

Passwords are kept as argon2id hashes, session tokens as SHA-256. A role is one word; an account has exactly one, and
names the person behind it, so that two accounts of one person never count as two people.

A password is hashed, and looked at, outside every unit: it is slow on purpose, and on SQLite one unit at a time writes.

Names stand in the log as who acted, so a new one is short, of a closed set of characters, and none of the words that
stand there where no person acted. A person is the same person however their name is typed (`kernel.person`), and is
written down as the first time. Whose name can be taken for that of somebody known is refused: people are counted by it.
"""

import functools
import hashlib
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import delete, func, select
from sqlmodel import Session, col

from api.people.tables import AccountRow, SessionRow
from api.process.open_id import Identity
from custody.disputes.machine import CaseRole
from custody.kernel.clock import HOUR_MS, Instant
from custody.kernel.errors import Conflict, Forbidden, NotFound, Rejected
from custody.kernel.person import fold_person, has_rare_letters, looks_like, mixes_scripts
from custody.store.bulk import ask
from devicelock.rules.order import LockRole
from devicelock.usecases.lock_office import STANDING

ROLES = ("agent", "supervisor", "investigator")
FIRST_ACCOUNTS = (
    ("agent-1", "agent"),
    ("agent-2", "agent"),
    ("supervisor-1", "supervisor"),
    ("supervisor-2", "supervisor"),
    ("investigator-1", "investigator"),
)
FIRST_START, RESCUE = "first start", "rescue at the machine"
"""Who made the first accounts, and those for a service that nobody got into any more: nobody's account."""

MIN_PASSWORD = 12
MAX_PERSON = 64
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}")
NOBODYS = frozenset({*map(str, LockRole), *map(str, CaseRole), STANDING, "holder"}) - frozenset(ROLES)
"""Words for who acted where no account did."""

HASHER = PasswordHasher()
"""Argon2id at the second recommended option of RFC 9106, section 4."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling: an account, its role, the person behind it, and when they signed in, if anybody noted it."""

    account: str
    role: str
    person: str
    since_ms: Instant | None = None


def first_accounts(session: Session, *, now_ms: Instant) -> dict[str, str]:
    """Make the first accounts if there are none; returns names and passwords, to be told once before the unit ends."""
    if session.scalar(select(func.count()).select_from(AccountRow)):
        return {}
    passwords = {name: secrets.token_urlsafe(12) for name, _ in FIRST_ACCOUNTS}
    for name, role in FIRST_ACCOUNTS:
        _add(
            session,
            name=name,
            role=role,
            person=f"person-of-{name}",
            password_hash=HASHER.hash(passwords[name]),
            by=FIRST_START,
            now_ms=now_ms,
        )
    session.flush()
    return passwords


def add_account(
    session: Session, *, name: str, role: str, person: str, password_hash: str, by: str, now_ms: Instant
) -> str:
    """Make an account and tell whose, as they are written down; raises `Rejected` or `Conflict`."""
    if role not in ROLES:
        raise Rejected("role", f"{role!r} is not a role", fix=f"Use one of {', '.join(ROLES)}.")
    if not NAME.fullmatch(name) or name.lower() in NOBODYS:
        raise Rejected(
            "account_name",
            "the name is not one that an account can have",
            fix="Use 1 to 64 letters, digits, dots, dashes, and no word of ours like customer or system.",
        )
    if session.get(AccountRow, name):
        raise Conflict("account_exists", f"the account {name!r} exists", fix="Choose another name.")
    known = _known_person(session, person)
    _add(session, name=name, role=role, person=known, password_hash=password_hash, by=by, now_ms=now_ms)
    return known


def every_account(session: Session) -> list[AccountRow]:
    """Every account by its name, those that were closed too."""
    return list(session.scalars(select(AccountRow).order_by(col(AccountRow.name))).all())


def account(session: Session, name: str) -> AccountRow:
    """An account, open or closed; raises `NotFound`."""
    row = session.get(AccountRow, name)
    if row is None:
        raise NotFound("account", f"there is no account {name!r}", fix="List them with GET /v1/accounts.")
    return row


def close_account(session: Session, name: str) -> bool:
    """End an account and its sessions for ever; False if it was closed before.

    Raises `NotFound`, or `Conflict` for the last supervisor: nobody could make another account.
    """
    held = select(AccountRow).where(col(AccountRow.role) == "supervisor", col(AccountRow.active).is_(True))
    supervisors = session.scalars(held.order_by(col(AccountRow.name)).with_for_update()).all()
    row = account(session, name)
    if [supervisor.name for supervisor in supervisors] == [name]:
        raise Conflict("last_supervisor", f"{name!r} is the last supervisor", fix="Make another one first.")
    was_active, row.active = row.active, False
    session.execute(delete(SessionRow).where(col(SessionRow.account) == name))
    return was_active


def set_away(session: Session, name: str, *, away: bool, caller: Caller, now_ms: Instant) -> bool:
    """Say whether an account's person is away; False if that is so already.

    They say so themselves, or a supervisor does. Raises `NotFound` or `Forbidden`.
    """
    if name != caller.account and caller.role != "supervisor":
        raise Forbidden("role", "whether somebody else is away is said by a supervisor", fix="Ask a supervisor.")
    row = session.scalars(select(AccountRow).where(col(AccountRow.name) == name).with_for_update()).one_or_none()
    if row is None or not row.active:
        raise NotFound("account", f"there is no open account {name!r}", fix="List them with GET /v1/accounts.")
    was_away = row.away_ms is not None
    if was_away != away:
        row.away_ms = now_ms if away else None
        session.add(row)
    return was_away != away


def hash_new(password: str) -> str:
    """What is kept of a new password; raises `Rejected` for one that is too short."""
    check_new(password)
    return HASHER.hash(password)


def check_new(password: str) -> None:
    """Return if a new password is long enough; raises `Rejected`."""
    if len(password) < MIN_PASSWORD:
        raise Rejected("password", "the password is too short", fix=f"Use {MIN_PASSWORD} characters or more.")


def hash_of(session: Session, name: str, *, sign_on: bool) -> str:
    """The hash that an account's password has to fit; one that none fits, at the same cost, if nobody may sign in.

    So it is for an account that is linked, while single sign-on is on: its person may have left the organisation.
    """
    row = session.get(AccountRow, name)
    return row.password_hash if row and row.active and not (sign_on and row.subject) else _decoy()


def check_password(held: str, password: str) -> None:
    """Return if a password fits the hash that is held; raises `Rejected("unauthenticated")`."""
    try:
        HASHER.verify(held, password)
    except VerifyMismatchError as error:
        raise _wrong_sign_in() from error


def check_own(held: str, password: str) -> None:
    """The same for whoever is signed in already; raises `Forbidden("wrong_password")`."""
    try:
        check_password(held, password)
    except Rejected as error:
        raise _wrong_password() from error


def change_password(session: Session, caller: Caller, *, held: str, password_hash: str, token: str) -> None:
    """Give one's own account another password; every session of it ends but the one with this token.

    Raises `Forbidden` if the old one, which fits `held`, is its password no more. Nobody else can do it: who gave
    another person's account a password could act as two people.
    """
    row = session.get_one(AccountRow, caller.account)
    if not row.active or row.password_hash != held:
        raise _wrong_password()
    row.password_hash = password_hash
    _end_others(session, row.name, token)


def sign_out_elsewhere(session: Session, caller: Caller, *, token: str) -> None:
    """End every session of one's own account but the one with this token, and the tokens drawn from them or from it."""
    _end_others(session, caller.account, token)


def link(session: Session, caller: Caller, *, held: str, they: Identity, token: str) -> None:
    """Let the person of one's own account sign in at the provider from now on; every other session of it ends.

    Raises `Forbidden` as `change_password` does, or as `sign_in_as` would from now on, or `Conflict`: an account has
    one person there, and they have one open account.
    """
    row = session.get_one(AccountRow, caller.account)
    if not row.active or row.password_hash != held:
        raise _wrong_password()
    _check_role(row, they)
    theirs = of_subject(session, they.subject)
    if row.subject is not None or (theirs is not None and theirs.active):
        raise Conflict(
            "linked", "that account, or that sign-in, is linked already", fix="Ask a supervisor for another account."
        )
    if theirs is not None:
        theirs.subject = None
        session.flush()
    row.subject = they.subject
    _end_others(session, row.name, token)


def sign_in_as(session: Session, they: Identity, *, now_ms: Instant, hours: int) -> str:
    """A session token for whoever signed in at the provider; what it says of roles only takes away.

    Raises `Rejected("unauthenticated")` if no open account is theirs, `Forbidden("role")` if they lost its role there.
    """
    row = of_subject(session, they.subject)
    if row is None or not row.active:
        raise Rejected(
            "unauthenticated",
            "no account here is linked with that sign-in",
            fix="Sign in with your password once, and link your account on its page.",
        )
    _check_role(row, they)
    end_over(session, now_ms=now_ms)
    begun = {"since_ms": they.since_ms, "sid": they.sid, "id_token": they.hint}
    return _begin(session, row.name, until_ms=now_ms + hours * HOUR_MS, **begun)


def sign_in_elsewhere(session: Session, token: str) -> tuple[str, Instant]:
    """A further session token for whoever is signed in, such as for the command line, and when it ends.

    It is as old as the session with this token and ends with it: else a stolen one could be drawn out for ever.
    """
    own = session.get_one(SessionRow, _hash(token))
    return _begin(session, own.account, until_ms=own.until_ms, since_ms=own.since_ms, sid=own.sid), own.until_ms


def sign_in(session: Session, *, name: str, held: str, now_ms: Instant, hours: int) -> str:
    """A session token for a password that fits `held`; raises `Rejected("unauthenticated")` if that holds no more."""
    row = session.get(AccountRow, name)
    if row is None or not row.active or row.password_hash != held:
        raise _wrong_sign_in()
    end_over(session, now_ms=now_ms)
    return _begin(session, name, until_ms=now_ms + hours * HOUR_MS, since_ms=now_ms)


def sign_out(session: Session, token: str) -> str | None:
    """End a session, and tell what the provider gave when it was begun there; an unknown token is no error."""
    row = session.get(SessionRow, _hash(token))
    if row is None:
        return None
    session.delete(row)
    return row.id_token


def end_over(session: Session, *, now_ms: Instant) -> None:
    """Forget the sessions that are over: what a provider gave of somebody is kept no longer."""
    session.execute(delete(SessionRow).where(col(SessionRow.until_ms) <= now_ms))


def caller_of(session: Session, token: str, *, now_ms: Instant) -> Caller:
    """Whose token this is; raises `Rejected("unauthenticated")`."""
    question = (
        "SELECT account.name, account.role, account.person, session.since_ms "
        "FROM session JOIN account ON account.name = session.account "
        "WHERE session.token_hash = ? AND session.until_ms > ? AND account.active"
    )
    found = ask(session, question, (_hash(token), now_ms)) if token else []
    if not found:
        raise Rejected(
            "unauthenticated",
            "the session token is missing, unknown or has expired",
            fix="Sign in with POST /v1/sessions and send the token as a bearer token.",
            **({"error": "invalid_token"} if token else {}),
        )
    name, role, person, since_ms = found[0]
    return Caller(account=name, role=role, person=person, since_ms=since_ms)


def _known_person(session: Session, typed: str) -> str:
    """The person as they are written down already, else as they were typed; raises `Rejected`."""
    folded = fold_person(typed)
    if not folded or len(typed) > MAX_PERSON or folded in map(fold_person, NOBODYS):
        raise Rejected(
            "person",
            "the person is not one that an account can name",
            fix=f"Name them in 1 to {MAX_PERSON} characters, and by no word of ours like customer or system.",
        )
    held = sorted(session.scalars(select(col(AccountRow.person)).distinct()).all())
    known = next((person for person in held if fold_person(person) == folded), None)
    if known is None:
        _check_is_told_apart(typed, held)
    return known or " ".join(typed.split())


def _check_is_told_apart(typed: str, held: Sequence[str]) -> None:
    """Return if nobody takes a new person for one who is known; raises `Rejected("person")`."""
    if mixes_scripts(typed):
        fix = "Type each word of the name in the letters of one script."
        raise Rejected("person", "letters of several scripts that look alike stand in one word", fix=fix)
    if has_rare_letters(typed):
        fix = "Type the name in a script that names are written in every day."
        raise Rejected("person", "letters that hardly anybody knows look like others", fix=fix)
    alike = next((person for person in held if looks_like(person, typed)), None)
    if alike is not None:
        raise Rejected(
            "person",
            f"it can be taken for {alike!r}, who has an account",
            fix=f"Type {alike!r} if it is that person. Of somebody else write all names out, with one more if need be.",
        )


def _add(session: Session, *, name: str, role: str, person: str, password_hash: str, by: str, now_ms: Instant) -> None:
    session.add(
        AccountRow(
            name=name,
            person=person,
            role=role,
            password_hash=password_hash,
            created_by=by,
            created_ms=now_ms,
            active=True,
        )
    )


def _begin(session: Session, account: str, **kept: Any) -> str:
    token = secrets.token_urlsafe(32)
    session.add(SessionRow(token_hash=_hash(token), account=account, **kept))
    session.flush()
    return token


def _end_others(session: Session, account: str, token: str) -> None:
    others = (col(SessionRow.account) == account, col(SessionRow.token_hash) != _hash(token))
    session.execute(delete(SessionRow).where(*others))


def of_subject(session: Session, subject: str) -> AccountRow | None:
    """The account that is linked with a sign-in at the provider, if any."""
    return session.scalars(select(AccountRow).where(col(AccountRow.subject) == subject)).one_or_none()


def _check_role(row: AccountRow, they: Identity) -> None:
    """Return if the provider gives somebody the role of this account; raises `Forbidden("role")`."""
    if they.roles is not None and row.role not in they.roles:
        raise Forbidden(
            "role",
            f"your organisation does not give you the role {row.role!r} of this account",
            fix="Ask whoever keeps the roles there.",
        )


def _hash(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _wrong_sign_in() -> Rejected:
    return Rejected("unauthenticated", "name or password is wrong", fix="Check both; capital letters count.")


def _wrong_password() -> Forbidden:
    why = "that is not the password of this account"
    return Forbidden("wrong_password", why, fix="Give the password that you signed in with.")


@functools.cache
def _decoy() -> str:
    """A hash to check against when nobody may sign in to the account, so that both answers take the same time."""
    return HASHER.hash("nobody has this password")
