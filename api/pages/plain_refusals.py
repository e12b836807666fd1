"""What a person reads of a refusal: no code, no name of a state, no address of the API. Programs read it as it is.

A button on a page that is open since yesterday finds the case further on: that is no mistake of anybody's, and is said
as what it is (`customer_troubles.py` does so for customers, at every door). What a customer reads passes `lint_text`,
or is said in a sentence that does.
"""

from collections.abc import Mapping
from types import MappingProxyType

from api.pages import words
from api.pages.times import moment
from custody.disputes.case import CASE
from custody.disputes.wording import lint_text
from custody.kernel.clock import from_iso
from custody.kernel.errors import Rejected, Trouble, Unavailable
from custody.store.unit import NO_ANSWER

NOT_NOW = ("that did not work, and nothing was changed", "Please try it again, or call us. You did nothing wrong.")
NOT_OFFERED = ("that is not on offer", "Please choose one of what is offered.")
NOT_KEPT = ("we cannot keep this just now", "What you wrote is still here. Please send it again soon, or call us.")
UNREACHED = (
    "the service cannot write to its records just now, and nothing was changed",
    "Send it again in a moment. If it stays so, tell whoever runs the service.",
)
NO_INTERVAL = (
    "the three numbers do not fit",
    "Write all three in percent, from 0 to 100, and the likeliest between the other two.",
)
NO_REASON = ("the reason is none of those that allow a lock", "Please choose one of the list.")
IN_CONSOLE = "Please choose it from the lists of the console."
IN_FORM: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "field": ("nothing is filled in yet", "Please fill in at least one of the fields."),
        "days": ("", "Fill in at least one of the days."),
        "rather": ("", "Ask the customer which they would rather have, and choose it here."),
        "beside": ("", "Take the tick away, or say in words what comes on top of it."),
        "claim_type": ("", "Agree with the customer on one of the list first."),
    }
)
"""What is wrong, if not in the words of the API, and what to do, where its fix names what only programs send."""
OVER = frozenset({"move", "ask_ended"})


def for_customers(trouble: Trouble) -> Trouble:
    """The refusal in words that every customer can read."""
    if isinstance(trouble, Unavailable):
        return _said(trouble, *NOT_KEPT)
    trouble = _without_codes(trouble)
    try:
        lint_text(f"{trouble.detail}. {trouble.fix}")
    except Rejected:
        return _said(trouble, *NOT_NOW)
    return trouble


def for_staff(trouble: Trouble) -> Trouble:
    """The refusal in the words of the console."""
    trouble, facts = _without_codes(trouble), trouble.facts
    if trouble.code in OVER:
        stands = _stands(str(facts.get("state", "")))
        return _said(trouble, "that is done already, or not possible now", f"{stands}Nothing was changed.")
    if trouble.code == "changed" and "meanwhile" in facts:
        done = "; ".join(map(_step, facts["meanwhile"]))
        again = "Nothing of yours was written. Look at the case as it is now, and press again if it is still right."
        return _said(trouble, f"the case was changed while you had it open{f': {done}' if done else ''}", again)
    if trouble.code == "guard":
        detail, fix = NO_INTERVAL if "confidence_stated" in facts["unmet"] else ("a check says no", None)
        needed = [CASE.guards[name].means.rstrip(".") for name in facts["unmet"] if name in CASE.guards]
        return _said(trouble, f"first this is needed: {'; '.join(needed)}" if needed else detail, fix)
    if trouble.code == "role" and "who" in facts:
        able = [words.worded(words.ROLES, role) for role in facts["who"] if role in words.ROLES]
        fix = f"Ask somebody in the role {' or '.join(able)}." if able else "Nobody of us decides this."
        return _said(trouble, "your role may not do this", fix)
    if trouble.code == "lock_refused":
        row = next(row for row in facts["checks"] if row["ok"] is not True)
        said = words.worded(words.CHECKS, row["check"]), words.worded(words.CHECK_REASONS, row["reason"])
        return _said(trouble, ": ".join(said))
    return _in_form(trouble)


def _in_form(trouble: Trouble) -> Trouble:
    """The refusal with what to do in the form, where its fix names what only programs send."""
    if trouble.code in IN_FORM:
        detail, fix = IN_FORM[trouble.code]
        return _said(trouble, detail or trouble.detail, fix)
    return _said(trouble, trouble.detail, IN_CONSOLE) if "/v1/" in trouble.fix else trouble


def _without_codes(trouble: Trouble) -> Trouble:
    """The refusal without the codes of remedies or reasons, where it lists those; an outage is said to be one."""
    if trouble.code == NO_ANSWER:
        return _said(trouble, *UNREACHED)
    if trouble.code == "reason":
        return _said(trouble, *NO_REASON)
    return _said(trouble, *NOT_OFFERED) if trouble.code == "remedy" and "offered" in trouble.facts else trouble


def _said(trouble: Trouble, detail: str, fix: str | None = None) -> Trouble:
    return type(trouble)(trouble.code, detail, fix=trouble.fix if fix is None else fix, **trouble.facts)


def _step(step: Mapping[str, str | None]) -> str:
    kind = f" ({words.worded(words.CLAIMS, step['claim_type'])})" if step["claim_type"] else ""
    at = moment(from_iso(step["at"] or ""))
    return f"{words.worded(words.TIMELINE, step['kind'] or '')}{kind}, by {words.actor(step['actor'] or '')}, {at}"


def _stands(state: str) -> str:
    said = words.CASE_STATES.get(state) or (words.LOCKS[state][0] if state in words.LOCKS else "")
    return f"It stands at “{said}”. " if said else ""
