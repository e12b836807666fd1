"""Referring a case to another desk without letting go of it, and recognising its customer once.

Whoever looks after a case does so until an agent at the other desk accepts it; then the whole case is theirs, with its
open promises, and the customer reads the new name in one message. Nobody is asked to call, and nobody has to be
recognised: it only spares them a second question.
"""

from dataclasses import replace
from typing import Any

from sqlmodel import Session

from custody.disputes.case import CASE
from custody.disputes.desks import Directory
from custody.disputes.machine import CaseRole
from custody.disputes.messages import say
from custody.disputes.policy import DEFAULT_POLICY, CaseworkPolicy
from custody.disputes.referral import (
    ACCEPTED,
    ENDED,
    RECOGNISED,
    REFERRED,
    Recognised,
    Referral,
    asks_again,
    check_how,
    until_ms,
)
from custody.kernel.clock import Instant, to_iso
from custody.kernel.errors import Conflict, Forbidden
from custody.store import case_book
from custody.store.case_book import CaseFile
from custody.store.unit import Unit
from custody.usecases.name_owner import with_owner
from custody.usecases.read_order import hold_order
from custody.usecases.write_move import write_move


def recognise(unit: Unit, dispute: str, *, how: str, actor: str, policy: CaseworkPolicy = DEFAULT_POLICY) -> CaseFile:
    """The customer was recognised; raises `Conflict("recognised")`, with the first time, while that holds."""
    check_how(how)
    file = _goes_on_here(hold_order(unit, dispute))
    if not asks_again(unit.now_ms, policy=policy):
        _check_first(unit.session, file, now_ms=unit.now_ms)
    known = Recognised(by=actor, how=how, at_ms=unit.now_ms, until_ms=until_ms(unit.now_ms, policy=policy))
    moved = replace(file, at_desk=replace(file.at_desk, recognised=known))
    facts = {"how": how, "until_ms": known.until_ms}
    return write_move(unit, file, moved, RECOGNISED, actor=actor, facts=facts, said=[])


def refer(
    unit: Unit,
    dispute: str,
    *,
    desk: str,
    directory: Directory,
    someone_there: bool,
    actor: str,
    policy: CaseworkPolicy = DEFAULT_POLICY,
) -> CaseFile:
    """Offer the case to a desk that takes it; raises what `Directory.target` does, or `Conflict`.

    Whoever recognised its customer goes with it: that holds as long as the referral. The same again changes nothing.
    In the place of a referral to a desk that takes it no more another one can be made at once.
    """
    file = _hold_open(unit, dispute)
    at = file.at_desk
    directory.target(at.desk, desk, file.case.claim_type, file.order.standing)
    stands = at.referral_now(unit.now_ms)
    if stands is not None and (stands.desk, stands.by) == (desk, actor):
        return file
    if stands is not None and stands.desk in _onward(directory, file):
        why = f"{stands.by} refers it to {stands.desk!r} already"
        raise Conflict("referral", why, fix="Wait until somebody there accepts, or keep the case first.")
    if not someone_there:
        raise Conflict("nobody_there", "nobody else is here who could accept it", fix="Keep the case for now.")
    offered = Referral(desk=desk, by=actor, at_ms=unit.now_ms, until_ms=until_ms(unit.now_ms, policy=policy))
    known = at.recognised_now(unit.now_ms)
    longer = None if known is None else replace(known, until_ms=offered.until_ms)
    moved = replace(file, at_desk=replace(at, recognised=longer or at.recognised, referral=offered))
    facts = {"desk": desk, "from_desk": directory.at(at.desk).desk, "until_ms": offered.until_ms}
    return write_move(unit, file, moved, REFERRED, actor=actor, facts=facts, said=[])


def accept(unit: Unit, dispute: str, *, directory: Directory, actor: str, role: CaseRole) -> CaseFile:
    """An agent at the other desk takes the case; raises `Forbidden`, or `Conflict` if no referral stands.

    The kind of the case or the directory may have changed since: the desk has to take it still.
    """
    if role is not CaseRole.AGENT:
        fix = "Ask an agent who works at that desk."
        raise Forbidden("role", "only agents look after cases", fix=fix, who=(str(CaseRole.AGENT),))
    file = _hold_open(unit, dispute)
    stands = file.at_desk.referral_now(unit.now_ms)
    if stands is None:
        return _done_already(unit.session, file, ACCEPTED, actor)
    if file.case.owner == actor:
        why = "whoever looks after a case cannot accept it from themselves"
        raise Conflict("referral", why, fix="Keep the case, or wait for somebody at that desk.")
    onward = _onward(directory, file)
    if stands.desk not in onward:
        why = f"the desk {stands.desk!r} takes such a case no more, and {file.case.owner} looks after it as before"
        fix = f"Let {file.case.owner} refer it to one of {', '.join(onward)}." if onward else "Leave it where it is."
        raise Conflict("referral", why, fix=fix, desks=onward)
    moved = with_owner(unit, file, actor)
    moved = replace(moved, at_desk=replace(file.at_desk, desk=stands.desk, referral=None))
    facts = {"owner": actor, "before": file.case.owner, "desk": stands.desk}
    said = [say("case.handed_on", owner=actor)]
    return write_move(unit, file, moved, ACCEPTED, actor=actor, facts=facts, said=said)


def keep(unit: Unit, dispute: str, *, actor: str) -> CaseFile:
    """The referral ends, and the case is where it was: its owner thought better of it, or the other desk says no."""
    file = _hold(unit, dispute)
    stands = file.at_desk.referral_now(unit.now_ms)
    if stands is None:
        return _done_already(unit.session, file, ENDED, actor)
    moved = replace(file, at_desk=replace(file.at_desk, referral=None))
    return write_move(unit, file, moved, ENDED, actor=actor, facts={"desk": stands.desk}, said=[])


def _onward(directory: Directory, file: CaseFile) -> tuple[str, ...]:
    """The desks that take the case as it is now."""
    onward = directory.onward(file.at_desk.desk, file.case.claim_type, file.order.standing)
    return tuple(desk.desk for desk in onward)


def _hold(unit: Unit, dispute: str) -> CaseFile:
    return _goes_on_here(case_book.hold_one(unit, dispute))


def _goes_on_here(file: CaseFile) -> CaseFile:
    into = file.case.joined_into
    if into is not None:
        raise Conflict("joined", f"the case was joined into {into}", fix=f"Do it in {into}.")
    return file


def _hold_open(unit: Unit, dispute: str) -> CaseFile:
    file = _hold(unit, dispute)
    if file.case.state in CASE.terminal:
        raise Conflict("move", f"the case is {file.case.state}", fix="Open it again first.", state=file.case.state)
    return file


def _check_first(session: Session, file: CaseFile, *, now_ms: Instant) -> None:
    """Return unless the customer was recognised already, in this case or another one that names the same order."""
    order = file.case.order_ref if file.order_named else None
    others = case_book.of_order(session, order) if order else []
    for each in (file, *(other for other in others if other.order_named)):
        first = each.at_desk.recognised_now(now_ms)
        if first is not None:
            told: dict[str, Any] = {"dispute": each.case.id, "by": first.by, "how": first.how}
            raise Conflict(
                "recognised",
                f"the customer was recognised already, by {first.by} in {each.case.id}",
                fix="Go on: they are not asked again who they are.",
                first={**told, "at": to_iso(first.at_ms), "until": to_iso(first.until_ms)},
            )


def _done_already(session: Session, file: CaseFile, kind: str, actor: str) -> CaseFile:
    """The case, if what was asked for was done just now by who asks; raises `Conflict("referral")`."""
    last = case_book.timeline(session, file.case.id)[-1]
    if (last.kind, last.actor) == (kind, actor):
        return file
    why = "the case is not referred to another desk, or nobody accepted it in time"
    raise Conflict("referral", why, fix="It is where it was. Refer it again if that is still right.")
