"""The moves of a case that staff may cause, as forms: each is an event of `POST /v1/disputes/{dispute}/events`.

What is possible now follows from the table of the case. Who is in another role is told whose move it is; whether a
guard holds is found out by the move itself, which says so beside the form.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from api.accounts import Caller
from api.pages import words
from api.pages.sent_form import LINE, WORDS
from api.pages.times import pounds
from api.routes.disputes import EventIn
from custody.disputes.case import ADR_EVENT, CASE
from custody.disputes.case_guards import OBSERVATIONS, Finding, Ground
from custody.disputes.claim import CLAIMS
from custody.disputes.machine import Role
from custody.disputes.opening import AN_OFFER
from custody.disputes.promise import PAYERS
from custody.kernel.errors import Rejected
from custody.store.case_book import CaseFile
from custody.usecases.learn_facts import DAYS

STAFF = (Role.AGENT, Role.INVESTIGATOR, Role.SUPERVISOR)
FINDING = ("ground", "says", "kept_at", "about")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a move. `kind` is line, words, tick, day, pounds or choice; a choice has `options`."""

    name: str
    says: str
    kind: str = "line"
    needed: bool = True
    options: tuple[tuple[str, str], ...] = ()

    @property
    def most(self) -> int:
        """How many characters fit."""
        return WORDS if self.kind == "words" else LINE


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """A move as a form: where on the page it stands, what it asks for, what is said of it afterwards."""

    event: str
    place: str
    title: str
    button: str
    done: str
    fields: tuple[Field, ...] = ()
    about: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A move that is possible now. `refusal` says whose move it is, if it is not this person's."""

    move: Move
    refusal: str
    fields: tuple[Field, ...]


WHY = Field(name="why", says="Reasons, in words that the customer can read", kind="words")
SCHEMES = Field(name="reference", says="The scheme's own reference")
SUM = Field(
    name="price_reduction_pence",
    says="If they keep it for part of the price back: how much, in pounds",
    kind="pounds",
    needed=False,
)
LESS = Field(
    name="why",
    says="If that is less than the sum named before: why, in words that the customer can read",
    kind="words",
    needed=False,
)
_MOVES = (
    Move(
        event="classify",
        place="kind",
        title="Change the kind",
        button="Set the kind and offer",
        done="typed",
        fields=(
            Field(
                name="claim_type",
                says="What the customer agrees it is",
                kind="choice",
                options=tuple((str(kind), words.worded(words.CLAIMS, kind)) for kind in CLAIMS),
            ),
            Field(
                name="custody_words",
                says="If it was damaged: their words on when and where",
                kind="words",
                needed=False,
            ),
            SUM,
            LESS,
        ),
    ),
    Move(
        event="order_days",
        place="kind",
        title="Write down a day of the order",
        button="Write the days down",
        done="days",
        about="The days of the law count from these. One that is known already is put right by a supervisor.",
        fields=(
            Field(name="delivered", says="Delivered on", kind="day", needed=False),
            Field(name="proof_of_sending", says="Sent back, as a proof shows, on", kind="day", needed=False),
            Field(name="goods_back", says="At the returns bench on", kind="day", needed=False),
            Field(name="reference", says="What shows it"),
        ),
    ),
    Move(
        event="offer",
        place="remedy",
        title="Offer a remedy again",
        button="Offer again",
        done="offered",
        about="The offer follows from the kind of problem. To offer for another kind, change the kind.",
        fields=(SUM, LESS),
    ),
    Move(
        event="delivered_or_paid",
        place="remedy",
        title="Record the remedy",
        button="Record as delivered",
        done="remedied",
        fields=(Field(name="reference", says="Delivered or paid: delivery or payment reference"),),
    ),
    Move(
        event="promise_kept",
        place="remedy",
        title="Record that a promise was kept",
        button="Record as kept",
        done="kept",
        fields=(
            Field(name="promise", says="Which promise", kind="choice"),
            Field(name="reference", says="Reference that shows it"),
        ),
    ),
    Move(
        event="credit_paid",
        place="remedy",
        title="Record that the credit was paid",
        button="Record as paid",
        done="credited",
        fields=(Field(name="reference", says="Reference of the payment"),),
    ),
    Move(
        event="payment_came_back",
        place="remedy",
        title="Write down that a payment came back",
        button="Promise it again",
        done="came_back",
        fields=(
            Field(name="promise", says="Which payment", kind="choice"),
            Field(name="reference", says="Reference of the bank"),
        ),
    ),
    Move(event="reopen", place="remedy", title="Open again", button="Open the case again", done="reopened"),
    Move(
        event="ask",
        place="ask",
        title="Ask for one thing, once",
        button="Ask",
        done="asked",
        fields=(
            Field(name="item", says="What"),
            Field(name="text", says="In the words that the customer reads", kind="words"),
        ),
    ),
    Move(
        event="propose_decline",
        place="end",
        title="Propose to decline",
        button="Propose, and hear the customer",
        done="decline_proposed",
        about="Only on something observed about this customer. They are told of it and heard first.",
        fields=(
            Field(
                name="ground",
                says="What it rests on",
                kind="choice",
                options=tuple((str(ground), words.worded({}, ground)) for ground in Ground if ground in OBSERVATIONS),
            ),
            Field(name="says", says="What it shows, in words that the customer can read", kind="words"),
            Field(name="kept_at", says="Where it is kept"),
            Field(name="about", says="It is about this customer, not about others like them", kind="tick"),
        ),
    ),
    Move(
        event="heard_accepted",
        place="end",
        title="Accept what the customer said",
        button="Accept it, and go on",
        done="heard",
        fields=(WHY,),
    ),
    Move(
        event="decline",
        place="end",
        title="Decline",
        button="Decline, and send the letter",
        done="declined",
        about="It takes a second person. The letter for the independent scheme leaves at once.",
        fields=(WHY, Field(name="heard", says="The customer was heard", kind="tick", needed=False)),
    ),
    Move(
        event=ADR_EVENT,
        place="end",
        title="Say that we cannot agree",
        button="Send the letter for the scheme today",
        done="deadlock",
    ),
    Move(
        event="we_changed_our_mind",
        place="end",
        title="Look at it again after the letter",
        button="We changed our mind",
        done="mind_changed",
    ),
    Move(
        event="adr_accepts",
        place="end",
        title="The scheme took the case",
        button="Write it down",
        done="with_scheme",
        about="Export the evidence pack first: the newest one is what the scheme gets.",
        fields=(SCHEMES,),
    ),
    Move(
        event="decision",
        place="end",
        title="The scheme decided",
        button="Write the decision down",
        done="scheme_decided",
        about="The decision is the scheme's. You write it down, and the customer says yes or no.",
        fields=(
            Field(name="text", says="What we have to do, in words that the customer can read", kind="words"),
            SCHEMES,
        ),
    ),
    Move(
        event="merge",
        place="end",
        title="Join with another report",
        button="Join",
        done="joined",
        about="The earliest date and all that was given, promised and owed stay.",
        fields=(
            Field(name="into", says="The case that goes on"),
            Field(
                name="consent",
                says="The other customer agreed; not needed if both name one order",
                kind="tick",
                needed=False,
            ),
        ),
    ),
)
MOVES: Mapping[str, Move] = {move.event: move for move in _MOVES}


def open_moves(file: CaseFile, case: Mapping[str, Any], caller: Caller) -> tuple[Open, ...]:
    """The moves that are possible now, with what this person may not do and whose it is."""
    who = _who(file, case)
    return tuple(_open(move, who[event], case, caller) for event, move in MOVES.items() if event in who)


def read_version(text: str) -> int | None:
    """The version of the case on the page that a form came from; raises `Rejected` for what is none."""
    if text and not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Rejected("version", "the form does not say which page it came from", fix="Open the case again.")
    return int(text) if text else None


def body_of(move: Move, given: Mapping[str, str], *, version: int | None) -> EventIn:
    """The event that a form stands for; an empty field is left out. Raises `Rejected` for what cannot be read."""
    for field in move.fields:
        if field.options and given[field.name] not in dict(field.options):
            raise Rejected(field.name, "one choice is not in the list", fix="Choose one of the list.")
    sent: dict[str, Any] = {
        field.name: READ.get(field.kind, _as_typed)(field.name, given[field.name].strip())
        for field in move.fields
        if given[field.name].strip()
    }
    if move.event == "order_days":
        sent["order_days"] = {name: sent.pop(name) for name in DAYS if name in sent}
    finding = {name: sent.pop(name) for name in FINDING if name in sent}
    if finding:
        about = bool(finding.pop("about", False))
        sent["findings"] = (Finding(**{**finding, "ground": Ground(finding["ground"])}, about_this_person=about),)
    return EventIn(event=move.event, version=version, **sent)


def _as_typed(_name: str, text: str) -> str:
    return text


def _ticked(_name: str, text: str) -> bool:
    return bool(text)


def read_day(name: str, text: str) -> date:
    """The day that was typed into a field; raises `Rejected` with the field's name."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Rejected(name, "one day is not a date", fix="Write it as 2026-01-31.") from error


def _pence(name: str, text: str) -> int:
    found = re.fullmatch(r"£? ?(\d{1,6})(?:\.(\d\d))?", text, re.ASCII)
    if found is None:
        raise Rejected(name, "one sum is not in pounds", fix="Write it as 12 or 12.50.")
    return int(found[1]) * 100 + int(found[2] or 0)


READ: Mapping[str, Callable[[str, str], Any]] = {"tick": _ticked, "day": read_day, "pounds": _pence}


def _who(file: CaseFile, case: Mapping[str, Any]) -> dict[str, tuple[Role, ...]]:
    """Each event that staff may cause now, and in which role."""
    state = file.case.state
    who = {row.event: tuple(role for role in STAFF if role in row.who) for row in CASE.leaving(state)}
    who = {event: roles for event, roles in who.items() if roles}
    if state in {"triaged", "remedy_offered"}:  # the kind may be put right until a remedy is chosen
        who["classify"] = (Role.AGENT, Role.INVESTIGATOR)
    if file.case.claim_type is None:
        who.pop("offer", None)
    if state == "with_adr":
        who["decision"] = (Role.SUPERVISOR,)
    if _promises(case, Role.AGENT):
        who["promise_kept"] = STAFF if _promises(case, Role.SUPERVISOR) else (Role.AGENT,)
    if case["unpaid_credit_pence"]:
        who["credit_paid"] = PAYERS
    if _payments(case):
        who["payment_came_back"] = PAYERS
    if state not in CASE.terminal:
        who["order_days"] = STAFF
    return who


def _open(move: Move, who: tuple[Role, ...], case: Mapping[str, Any], caller: Caller) -> Open:
    roles = " or ".join(words.worded(words.ROLES, role).lower() for role in who)
    refusal = "" if caller.role in who else f"{move.title}: this takes somebody in the role {roles}."
    promises = _payments(case) if move.event == "payment_came_back" else _promises(case, caller.role)
    fields = tuple(replace(field, options=promises) if field.name == "promise" else field for field in move.fields)
    return Open(move=move, refusal=refusal, fields=fields)


def _promises(case: Mapping[str, Any], role: str) -> tuple[tuple[str, str], ...]:
    """The promises that are open and that this role may settle; what puts the case right keeps the offer's own."""
    return tuple(
        (promise["promise"], promise["what"])
        for promise in case["promises"]
        if promise["state"] in ({"made", "due_soon", "missed"} if role == Role.AGENT else {"missed"})
        and promise["what"] != AN_OFFER
        and not promise["replaced"]
    )


def _payments(case: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The payments that were made and did not come back yet."""
    return tuple(
        (promise["promise"], _with_sum(promise))
        for promise in case["promises"]
        if promise["state"] == "kept" and promise["is_money"] and not promise["came_back"]
    )


def _with_sum(promise: Mapping[str, Any]) -> str:
    pence = promise["amount_pence"]
    return str(promise["what"]) if pence is None else f"{promise['what']}, {pounds(pence)}"
