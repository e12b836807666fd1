"""How a named approver learns of what is asked for beyond the rules: it rings, at once and each time it passes on."""

from custody.disputes.exception import AskedException
from custody.kernel.clock import to_iso
from custody.store.unit import Unit
from devicelock.rules.alert_kind import AlertKind
from devicelock.usecases.alert import raise_alert


def tell_approver(unit: Unit, asked: AskedException) -> None:
    """Ring for whoever is to answer, with the case and until when; the words of the customer stay in it."""
    until = f"{asked.approver} is to answer it by {to_iso(asked.due_ms)}"
    if not asked.passed:
        detail = f"In {asked.case_id} something was asked for beyond the rules; {until}."
        raise_alert(unit, AlertKind.EXCEPTION_ASKED, about=asked.id, detail=detail)
        return
    detail = f"What was asked for in {asked.case_id} beyond the rules was not answered in time; {until}."
    raise_alert(unit, AlertKind.EXCEPTION_UNANSWERED, about=asked.id, detail=detail)
