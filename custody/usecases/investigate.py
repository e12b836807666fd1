"""Investigating the chain of a disputed parcel, with every other dispute and the whole traffic as history.

The remedy never waits for this, and no customer is an input. The ways of parcels are remembered (`parcel_ways.py`), so
that a run costs the inference and not the whole log again. What verifiers attest of a check of the recipient is heard
of the disputed parcels when they are judged; the traffic and what is normal are counted without it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlmodel import Session

from custody.disputes.case import JOINED, WITHDRAWN
from custody.disputes.claim import ClaimType
from custody.disputes.inquiry import CONCLUDED, INVESTIGATION, InquiryState
from custody.disputes.machine import CaseRole, step
from custody.disputes.messages import say
from custody.investigation.answer import InvestigationAnswer, briefly, describe
from custody.investigation.checks import next_checks, usual_checks, with_results
from custody.investigation.count_traffic import fleet_of
from custody.investigation.explain import explain
from custody.investigation.hotspots import SHOWN, survey
from custody.investigation.infer import run
from custody.investigation.lots import Lot
from custody.investigation.measure_clean import normal_of
from custody.investigation.naming import name, naming_rules
from custody.investigation.pack.inquiry import write_inquiry
from custody.investigation.params import Params
from custody.investigation.passage import Complaint, Dispute, Passage
from custody.investigation.read_passage import COMPLAINT_OF
from custody.investigation.result import CheckResult, Inference
from custody.investigation.wording import state
from custody.kernel.clock import Instant
from custody.kernel.errors import Conflict, NotFound
from custody.store import case_book, inquiry_book
from custody.store.case_book import CaseFile
from custody.store.case_outlines import CaseOutline, outlines
from custody.store.inquiry_answer import RECOMPUTE, check_result, without_inputs
from custody.store.tables import InquiryRow
from custody.store.unit import House, Unit
from custody.usecases.parcel_ways import ParcelWays, Progress


def _silent(_read: int, _entries: int) -> None:
    """Nobody is told how far the reading is."""


HAS_CONCLUSION: frozenset[InquiryState] = frozenset({CONCLUDED, "learned"})
RESULT: Final = "check_done"
"""The line of a timeline that tells what a check has shown."""

Attaches = Mapping[str, Sequence[Instant]]
"""When handsets were seen on a network with another's SIM, by IMEI; nothing here says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered:
    """All that an investigation takes from the database: every disputed parcel with a recorded chain, and the lots."""

    files: dict[str, CaseOutline]
    disputes: tuple[Dispute, ...]
    lots: tuple[Lot, ...]

    def judge(self) -> Inference:
        """Every dispute, judged together against the traffic."""
        disputed = frozenset(file.parcel or "" for file in self.files.values())
        normal = normal_of([lot.clean(disputed) for lot in self.lots], Params())
        fleet = normal.into(fleet_of([lot.traffic() for lot in self.lots], regions={}))
        return run(fleet, self.disputes, normal.params)

    def find(self, dispute: str, checked: Sequence[CheckResult] = ()) -> InvestigationAnswer:
        """What is found of one dispute, with what checks of its chain have shown; `NotFound` if it was not gathered."""
        result = self.judge()
        rules = naming_rules(result)
        judgement = with_results(result.judgement(dispute), checked)
        naming = name(judgement, rules)
        checks = next_checks(judgement, usual_checks(judgement))
        explanation = explain(judgement)
        return InvestigationAnswer(
            judgement=judgement,
            naming=naming,
            statement=state(judgement, naming, explanation=explanation, checks=checks),
            explanation=explanation,
            checks=tuple(checks[:5]),
            hotspots=tuple(survey(result, least=SHOWN)[:10]),
            disputes=len(self.files),
            parcels=int(result.frame.parcels),
        )


class Inquirer:
    """Judges disputes against the ways of all parcels.

    Reading what is new in the log is the long part, and judging the second one: `read_on` reads in many short
    transactions, `gather` then needs one more, and what was gathered is judged without any.
    """

    def __init__(self) -> None:
        self._ways = ParcelWays()

    def read_on(self, house: House, progress: Progress = _silent) -> None:
        """Read what is new in the log, so that `gather` finds it read."""
        self._ways.read_on(house, progress)

    def investigate(self, session: Session, dispute: str, attaches: Attaches) -> InvestigationAnswer:
        """Judge every dispute together and return what is found of one; raises as `gather` does."""
        return self.gather(session, attaches, asked=dispute).find(dispute)

    def gather(self, session: Session, attaches: Attaches, *, asked: str | None = None) -> Gathered:
        """What is to be judged together.

        A parcel went missing once, however many reports there are of it: the one that is asked about stands for it, or
        else the newest. Raises `NotFound` if the one that is asked about has no parcel with a chain, and `Conflict` if
        it says of no parcel that anything happened to it.
        """
        lots = self._ways.lots(session)
        passages = {parcel: passage for lot in lots for parcel, passage in lot.passages.items()}
        standing: dict[str, CaseOutline] = {}
        for file in outlines(session):
            mine, parcel = file.case.id == asked, file.parcel or ""
            if mine:
                _check_asked(file, chain=parcel in passages)
            away = file.case.state == JOINED and not mine
            if parcel not in passages or away or why_not_weighed(file) is not None:
                continue
            if mine or parcel not in standing:
                standing[parcel] = file
        passages |= self._ways.attested(session, standing.keys())
        files = {file.case.id: file for file in standing.values()}
        disputes = tuple(_dispute(file, passages[file.parcel or ""], attaches) for file in files.values())
        return Gathered(files=files, disputes=disputes, lots=lots)


def results(session: Session, dispute: str) -> tuple[CheckResult, ...]:
    """What the checks have shown, in order; one whose words were erased is none, nor one of another report."""
    shown = [check_result(line.facts) for line in case_book.timeline(session, dispute) if line.kind == RESULT]
    return tuple(result for result in shown if result is not None)


def conclude(
    unit: Unit, dispute: str, finding: InvestigationAnswer, *, actor: str, checked: Sequence[CheckResult] = ()
) -> dict[str, Any]:
    """Store what was found, move the investigation to ranked, and seal the result in the log; returns it as stored.

    The ranking is the service's own, whoever asked for it. One in which a check is awaited goes on waiting for it.
    `checked`: what checks had shown when it was gathered.

    Raises `Conflict` if the case came to be one that is not weighed while it was judged, or has its conclusion, or if
    a check has shown something since.
    """
    _check_asked(case_book.hold_one(unit, dispute), chain=True)
    row = inquiry_book.hold(unit, dispute)
    check_goes_on(row)
    if results(unit.session, dispute) != tuple(checked):
        detail = f"a check of case {dispute!r} has shown something while it was judged"
        raise Conflict("checked", detail, fix="Judge it again.")
    if row.state == "open":
        row.state = step(INVESTIGATION, "open", "start", CaseRole.INVESTIGATOR, {}).target
        row.told_ms = unit.now_ms
        case_book.say(unit, dispute, [say("investigation.start")])
    if row.state == "gathering":
        row.state = step(INVESTIGATION, row.state, "rank", CaseRole.SYSTEM, {"links_not_people": True}).target
    stored = describe(finding)
    inputs = write_inquiry(
        finding.judgement,
        naming=finding.naming,
        explanation=finding.explanation,
        statement=finding.statement,
        checks=finding.checks,
        ran_ms=unit.now_ms,
    )
    row.result = msgspec.json.encode({**stored, RECOMPUTE: inputs}).decode()
    unit.session.add(row)
    case_book.note(unit, dispute, "ranked", actor=actor, facts=briefly(stored))
    return stored


def check_goes_on(row: InquiryRow) -> None:
    """Return if an investigation has no conclusion yet; raises `Conflict`: its answer stays the one that was given."""
    if row.state in HAS_CONCLUSION:
        detail = f"the investigation of case {row.dispute!r} has its conclusion"
        raise Conflict("concluded", detail, fix="Reopen it with what is new, unless its fix is filed.")


def why_not_weighed(file: CaseFile | CaseOutline) -> str | None:
    """Why a report says of no parcel that anything happened to it on its way; None if it does."""
    if file.case.state == WITHDRAWN:
        return "was withdrawn"
    if file.found_ms is not None:
        return "is about a phone that its customer found"
    return None if _complaint(file) is not None else "is of no kind that something on the way explains"


def _check_asked(file: CaseFile | CaseOutline, *, chain: bool) -> None:
    """Refuse to judge a report that is not weighed, for what it is."""
    why = why_not_weighed(file)
    if why is not None:
        raise Conflict("not_weighed", f"case {file.case.id!r} {why}", fix="Agree on its kind, or open it again.")
    if not chain:
        raise NotFound("parcel", f"case {file.case.id!r} has no parcel whose chain is recorded", fix="Add the parcel.")


def _complaint(file: CaseFile | CaseOutline) -> Complaint | None:
    return COMPLAINT_OF.get(ClaimType(file.case.claim_type)) if file.case.claim_type else None


def _dispute(file: CaseOutline, passage: Passage, attaches: Attaches) -> Dispute:
    """What is judged of a case. A handset seen before its parcel set out says nothing of its way, nor does silence."""
    complaint = _complaint(file)
    seen = [at_ms for at_ms in attaches.get(file.imei or "", ()) if at_ms >= passage.start_ms]
    return Dispute.of(
        passage,
        name=file.case.id,
        complaint=complaint or Complaint.NOT_ARRIVED,
        attach_watched=bool(seen),
        attach_ms=min(seen, default=None),
    )


def recorded(session: Session, dispute: str) -> dict[str, Any] | None:
    """The result that was stored last, without the inputs that only the evidence pack shows; None before a run."""
    row = inquiry_book.read(session, dispute)
    return None if row.result is None else without_inputs(row.result)[0]
