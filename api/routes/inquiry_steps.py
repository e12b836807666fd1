"""The steps of an investigation that people take: checks, their results, the conclusion, the fix, opening it again."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends
from pydantic import Field
from sqlmodel import Session

from api.http.body import Body, Day, one_of
from api.parts import Parts, parts_of
from api.people.accounts import Caller
from api.people.auth import role
from custody.disputes.machine import CaseRole
from custody.kernel.clock import to_iso
from custody.kernel.errors import Conflict, Rejected
from custody.store import inquiry_book
from custody.store.unit import Unit
from custody.usecases import move_inquiry
from custody.usecases.move_inquiry import Share

router = APIRouter(prefix="/v1/investigations/{dispute}/events", tags=["investigations"])
P = Annotated[Parts, Depends(parts_of)]
Investigator = Annotated[Caller, Depends(role("investigator", "supervisor"))]


class StepIn(Body):
    """A step of an investigation and what it needs."""

    event: str = Field(json_schema_extra=one_of(lambda: _ACTS))
    check: str = Field(default="", max_length=100, description="With do_check: one of the last ranking.")
    found: bool | None = Field(default=None, description="With result: whether the check found something.")
    words: str = Field(default="", max_length=2_000, description="With result: what was seen.")
    finding: str = Field(default="", max_length=2_000, description="With conclude: what the customer reads.")
    why: str = Field(default="", max_length=2_000, description="With conclude, nothing_found, reopen: the reasons.")
    probability: float | None = Field(default=None, description="With conclude: from 0 to 1.")
    low: float | None = None
    high: float | None = None
    fix: str = Field(default="", max_length=2_000, description="With file_fix: what changes; the customer reads it.")
    owner: str = Field(default="", max_length=200, description="With file_fix: whose process it is.")
    due: Day | None = Field(default=None, description="With file_fix: by which day.")


@router.get("")
def listing(dispute: str, parts: P, _caller: Investigator) -> dict[str, Any]:
    """The steps so far, what is possible now, and until when the fix is to be filed."""
    with parts.house.read() as session:
        return inquiry_view(session, dispute)


@router.post("")
def take(dispute: str, body: StepIn, parts: P, caller: Investigator) -> dict[str, Any]:
    """Take a step; the same one again, by whoever took it, is answered as done."""
    act = _ACTS.get(body.event)
    if act is None:
        raise Rejected("event", f"{body.event!r} is no step of people", fix=f"Use one of {', '.join(_ACTS)}.")
    try:
        with parts.house.unit() as unit:
            act(unit, dispute, body, {"actor": caller.account, "role": CaseRole(caller.role)})
            unit.session.flush()
            return inquiry_view(unit.session, dispute)
    except Conflict:
        said = body.model_dump(mode="json", exclude={"event"}, exclude_unset=True)
        with parts.house.read() as session:
            if not move_inquiry.done_already(session, dispute, body.event, said, actor=caller.account):
                raise
            return inquiry_view(session, dispute)


def inquiry_view(session: Session, dispute: str) -> dict[str, Any]:
    """An investigation with its steps; raises `NotFound` for a case without one."""
    row = inquiry_book.read(session, dispute)
    due_ms = move_inquiry.fix_due_ms(session, dispute)
    return {
        "investigation": row.id,
        "dispute": row.dispute,
        "state": row.state,
        "possible": [each.event for each in move_inquiry.possible(row.state)],
        "fix_due": None if due_ms is None else to_iso(due_ms),
        "steps": [
            {
                "at": to_iso(line.at_ms),
                "step": line.kind,
                "by": line.actor,
                "facts": msgspec.json.decode(line.facts),
                "index": line.idx,
            }
            for line in move_inquiry.steps(session, dispute)
        ],
    }


def _do_check(unit: Unit, dispute: str, body: StepIn, by: Mapping[str, Any]) -> None:
    move_inquiry.ask_check(unit, dispute, check=body.check, **by)


def _result(unit: Unit, dispute: str, body: StepIn, by: Mapping[str, Any]) -> None:
    if body.found is None:
        raise Rejected("found", "it does not say whether the check found something", fix="Give found: true or false.")
    move_inquiry.write_result(unit, dispute, found=body.found, words=body.words, **by)


def _conclude(unit: Unit, dispute: str, body: StepIn, by: Mapping[str, Any]) -> None:
    share = Share(probability=body.probability, low=body.low, high=body.high)
    move_inquiry.conclude(unit, dispute, finding=body.finding, why=body.why, share=share, **by)


def _nothing_found(unit: Unit, dispute: str, body: StepIn, by: Mapping[str, Any]) -> None:
    move_inquiry.find_nothing(unit, dispute, why=body.why, **by)


def _file_fix(unit: Unit, dispute: str, body: StepIn, by: Mapping[str, Any]) -> None:
    move_inquiry.file_fix(unit, dispute, fix=body.fix, owner=body.owner, due=body.due, **by)


def _reopen(unit: Unit, dispute: str, body: StepIn, by: Mapping[str, Any]) -> None:
    move_inquiry.reopen(unit, dispute, why=body.why, **by)


_ACTS: Mapping[str, Callable[[Unit, str, StepIn, Mapping[str, Any]], None]] = MappingProxyType(
    {
        "do_check": _do_check,
        "result": _result,
        "conclude": _conclude,
        "nothing_found": _nothing_found,
        "file_fix": _file_fix,
        "reopen": _reopen,
    }
)
