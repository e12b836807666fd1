"""The moves of a case that staff may cause, as forms: each is an event of `POST /v1/disputes/{dispute}/events`.

What is possible now follows from the table of the case. Who is in another role is told whose move it is; whether a
guard holds is found out by the move itself, which says so beside the form.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from api.pages import words
from api.pages.move_form import FormField, MoveForm
from api.pages.move_forms import MOVES
from api.pages.people_form import MOST_PEOPLE_FORM, people_in_form
from api.pages.sent_form import Sent
from api.pages.times import pounds
from api.people.accounts import Caller
from api.routes.disputes import EventIn
from api.routes.event_parts import FindingIn
from api.routes.reports import MOST_NEEDS
from custody.disputes.case import CASE, JOINED
from custody.disputes.collection import comes_with
from custody.disputes.exception import EXCEPTION
from custody.disputes.machine import CaseRole
from custody.disputes.opening import AN_OFFER
from custody.disputes.outside_promise import OUTSIDE
from custody.disputes.promise import A_COPY, MISSED, PAYERS, PROMISE
from custody.kernel.errors import Rejected
from custody.store.case_book import CaseFile
from custody.usecases.learn_facts import DAYS
from custody.usecases.move_case import KIND_MAY_CHANGE

STAFF = (CaseRole.AGENT, CaseRole.INVESTIGATOR, CaseRole.SUPERVISOR)
SUPERVISORS = (CaseRole.SUPERVISOR,)
FINDING = ("ground", "says", "kept_at", "about")


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenMove:
    """A move that is possible now. `refusal` says whose move it is, if it is not this person's."""

    move: MoveForm
    refusal: str
    fields: tuple[FormField, ...]


def open_moves(file: CaseFile, case: Mapping[str, Any], caller: Caller) -> tuple[OpenMove, ...]:
    """The moves that are possible now, with what this person may not do and whose it is."""
    who = _who(file, case)
    return tuple(_open(move, who[event], case, caller) for event, move in MOVES.items() if event in who)


def read_version(text: str) -> int | None:
    """The version of the case on the page that a form came from; raises `Rejected` for what is none."""
    if text and not re.fullmatch(r"\d{1,9}", text, re.ASCII):
        raise Rejected("version", "the form does not say which page it came from", fix="Open the case again.")
    return int(text) if text else None


def read_fields(fields: Sequence[FormField], given: Mapping[str, str]) -> dict[str, Any]:
    """What was typed, by the kinds of its fields, without empty ones; raises `Rejected` for what cannot be read."""
    for field in fields:
        is_left_out = not field.needed and not given[field.name].strip()
        if field.options and not is_left_out and given[field.name] not in dict(field.options):
            raise Rejected(field.name, "one choice is not in the list", fix="Choose one of the list.")
    return {
        field.name: READ.get(field.kind, _as_typed)(field.name, given[field.name].strip())
        for field in fields
        if given[field.name].strip()
    }


def read_needs(text: str) -> list[str]:
    """Support needs, one a line; raises `Rejected` for more than a case is told at once."""
    needs = [line.strip() for line in text.splitlines() if line.strip()]
    if len(needs) > MOST_NEEDS:
        raise Rejected("support_needs", f"there are more than {MOST_NEEDS} lines", fix="Put several needs into one.")
    return needs


def whose(title: str, who: Sequence[CaseRole]) -> str:
    """Says in whose role a move is made."""
    roles = " or ".join(words.worded(words.ROLES, role).lower() for role in who)
    return f"{title}: this takes somebody in the role {roles}."


def body_of(move: MoveForm, given: Mapping[str, str], *, version: int | None) -> EventIn:
    """The event that a form stands for; raises as `read_fields` does."""
    sent = read_fields(move.fields, given)
    if move.event == "order_days":
        sent["order_days"] = {name: sent.pop(name) for name in DAYS if name in sent}
    if sent.pop("no_phone", False):
        sent["has_working_phone"] = False
    if "need" in sent:
        sent["support_needs"] = [sent.pop("need")]
    elif "support_needs" in sent:
        sent["support_needs"] = read_needs(sent["support_needs"])
    people = people_in_form({name: sent.pop(name) for name in MOST_PEOPLE_FORM if name in sent})
    if people is not None:
        sent["people"] = people
    finding = {name: sent.pop(name) for name in FINDING if name in sent}
    if finding:
        about = bool(finding.pop("about", False))
        sent["findings"] = [FindingIn(**finding, about_this_person=about)]
    return EventIn(event=move.event, version=version, **sent)


def as_shown(sent: Sent, move: MoveForm, now: Sequence[OpenMove], *, state: str) -> Sent:
    """A refused form as its page shows it. What is no day stands in the notice: a field for a day cannot hold it."""
    if any(each.move.event == move.event and not each.refusal for each in now):
        odd = [field for field in move.fields if field.kind == "day" and not _fits_day(sent.given[field.name])]
        given = {**sent.given, **{field.name: "" for field in odd}}
        return replace(sent, given=given, kept={field.says: sent.given[field.name] for field in odd})
    kept = {field.says: sent.given[field.name] for field in move.fields if field.kind not in {"choice", "tick"}}
    return replace(sent, kept=kept).on_page(has_form=False, state=state)


def _as_typed(_name: str, text: str) -> str:
    return text


def _ticked(_name: str, text: str) -> bool:
    return bool(text)


def _day(name: str, text: str) -> date:
    if not text or not _fits_day(text):
        raise Rejected(name, "one day is not a date", fix="Write it as 2026-01-31.")
    return date.fromisoformat(text)


def _fits_day(text: str) -> bool:
    """Whether a field for a day can hold it: nothing, or a date as HTML writes it."""
    try:
        return not text or date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _pence(name: str, text: str) -> int:
    found = re.fullmatch(r"£? ?(\d{1,6})(?:\.(\d\d))?", text, re.ASCII)
    if found is None:
        raise Rejected(name, "one sum is not in pounds", fix="Write it as 12 or 12.50.")
    return int(found[1]) * 100 + int(found[2] or 0)


def _share(name: str, text: str) -> float:
    found = re.fullmatch(r"(\d{1,3}(?:\.\d{1,4})?) ?%?", text, re.ASCII)
    if found is None:
        raise Rejected(name, "one share is not in percent", fix="Write it as 86 or 86.5.")
    return round(float(found[1]) / 100, 6)


READ: Mapping[str, Callable[[str, str], Any]] = {"tick": _ticked, "day": _day, "pounds": _pence, "percent": _share}


def _who(file: CaseFile, case: Mapping[str, Any]) -> dict[str, tuple[CaseRole, ...]]:
    """Each event that staff may cause now, and in which role."""
    who = {row.event: tuple(role for role in STAFF if role in row.who) for row in CASE.leaving(file.case.state)}
    if file.case.claim_type is None:
        who.pop("offer", None)
    return {event: roles for event, roles in who.items() if roles} | _who_beside(file, case)


def _who_beside(file: CaseFile, case: Mapping[str, Any]) -> dict[str, tuple[CaseRole, ...]]:
    """The same of what stands in no row of the table for this state, or there for others."""
    state = file.case.state
    is_open, is_joined = state not in CASE.terminal, state == JOINED
    promises, late = _promises(case, CaseRole.AGENT), _promises(case, CaseRole.SUPERVISOR)
    copy_is_owed = any(one["what"] == A_COPY and one["state"] not in PROMISE.terminal for one in case["promises"])
    rows = (
        (state in KIND_MAY_CHANGE, (CaseRole.AGENT, CaseRole.INVESTIGATOR), ("classify",)),
        (state == "with_adr", SUPERVISORS, ("decision",)),
        (promises, PAYERS if late else (CaseRole.AGENT,), ("promise_kept",)),
        (case["unpaid_credit_pence"], PAYERS, ("credit_paid",)),
        (_payments(case), PAYERS, ("payment_came_back",)),
        (case["credits_paid"] and not is_joined, PAYERS, ("credit_came_back",)),
        (not is_joined, STAFF, ("access_request", "data_complaint", "told", "exception", "two_answers")),
        (copy_is_owed, STAFF, ("copy_takes_longer",)),
        (_told(case), PAYERS, ("rebut",)),
        (_exceptions(case), SUPERVISORS, ("exception_grant", "exception_instead")),
        (is_open and comes_with(file.offer), STAFF, ("collect",)),
        (is_open, STAFF, ("people", "order_days", "needs", "support_needs", "in_favour")),
        (is_open and case["support_needs"], SUPERVISORS, ("need_mistaken",)),
    )
    return {event: who for holds, who, events in rows if holds for event in events}


def _open(move: MoveForm, who: tuple[CaseRole, ...], case: Mapping[str, Any], caller: Caller) -> OpenMove:
    refusal = "" if caller.role in who else whose(move.title, who)
    promises = _payments(case) if move.event == "payment_came_back" else _promises(case, caller.role)
    given = {"promise": promises, "payment": _credits(case), "told": _told(case), "exception": _exceptions(case)}
    given["need"] = tuple((need, need) for need in case["support_needs"])
    fields = tuple(replace(field, options=given.get(field.name, field.options)) for field in move.fields)
    return OpenMove(move=move, refusal=refusal, fields=fields)


def _promises(case: Mapping[str, Any], role: str) -> tuple[tuple[str, str], ...]:
    """The promises that are open and that this role may settle; what puts the case right keeps the offer's own."""
    may_settle = frozenset(PROMISE.states) - PROMISE.terminal if role == CaseRole.AGENT else {MISSED}
    return tuple(
        (promise["promise"], promise["what"])
        for promise in case["promises"]
        if promise["state"] in may_settle and promise["what"] != AN_OFFER and not promise["replaced"]
    )


def _payments(case: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The payments that were made and did not come back yet."""
    return tuple(
        (promise["promise"], _with_sum(promise))
        for promise in case["promises"]
        if promise["state"] == "kept" and promise["may_come_back"] and not promise["came_back"]
    )


def _credits(case: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The credits that were paid and did not come back."""
    return tuple((reference, f"{reference}, {pounds(pence)}") for reference, pence in case["credits_paid"].items())


def _told(case: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What was promised elsewhere and can still be rebutted."""
    return tuple((one["told"], _with_sum(one)) for one in case["told"] if one["state"] == OUTSIDE.start)


def _exceptions(case: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What was asked for beyond the rules and waits for its answer."""
    return tuple((one["exception"], one["asked_for"]) for one in case["exceptions"] if one["state"] == EXCEPTION.start)


def _with_sum(promise: Mapping[str, Any]) -> str:
    pence = promise["amount_pence"]
    return str(promise["what"]) if pence is None else f"{promise['what']}, {pounds(pence)}"
