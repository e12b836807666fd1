"""Inquiries of the earlier formats /1 to /6, of answers that were found earlier, brought up to the present one.

Each reads the chain from the scans by its edition (`read_before.py`). None of them knows what verifiers attest of a
check of the recipient. None of /1 to /5 knows when a parcel was let go whose arrival nobody scanned, nor the log
indices of stays. None of /1 to /4 knows the own keys of sites that are called otherwise, nor says in the titles of
checks which time is meant where a parcel was at one place several times; those of /1 to /3 say it nowhere. Those of /1
and /2 know no check of the recipient that is recorded and not verified.

Those of /1 have no `checked`, no `intact_most` (nothing was bound), no own shares of photos and of seals that are read
as wrong (those of the network counted for everyone) and no scales that are off. They call the first of equal answers
the likeliest, and name steps by their codes in the titles of checks.

In those of /1 to /3 every weighing counts, however far it is off, and a handset was seen whenever that was, also before
its parcel set out.
"""

from typing import Any

from custody.investigation.passage import Pin
from custody.kernel.errors import Rejected
from custody.trail.edition import NEWEST, ReadingEdition

FIRST, SECOND, THIRD, FOURTH, FIFTH, SIXTH = (f"weaklink-investigation/{number}" for number in range(1, 7))
EARLIER = {
    FIRST: ReadingEdition.FIRST,
    SECOND: ReadingEdition.FIRST,
    THIRD: ReadingEdition.SECOND,
    FOURTH: ReadingEdition.THIRD,
    FIFTH: ReadingEdition.FOURTH,
    SIXTH: ReadingEdition.FIFTH,
}
"""By which edition the chain was read for each of them."""
TO_THIRD = frozenset({FIRST, SECOND, THIRD})
TO_FOURTH = TO_THIRD | {FOURTH}
TO_FIFTH = TO_FOURTH | {FIFTH}
UNBOUND = 1.0


def edition_of(form: str) -> ReadingEdition:
    """The edition by which the chain is read for an inquiry of that format."""
    return EARLIER.get(form, NEWEST)


def brought_up(value: Any) -> Any:
    """A value with what its format had none of, and without the place for a whole run, in which nothing ever stood."""
    if not isinstance(value, dict):
        return value
    now = {name: part for name, part in value.items() if name != "whole" or part is not None}
    form, inputs = value.get("format"), value.get("inputs")
    dispute = inputs.get("dispute") if isinstance(inputs, dict) else None
    if form in (FIRST, SECOND) and isinstance(dispute, dict) and dispute.get("pin") == Pin.RECORDED:
        raise _later(form)
    if form == FIRST:
        now["inputs"] = _inputs(inputs)
    if form in tuple(TO_FOURTH):
        now["inputs"] = _with_keys(now.get("inputs"), form)
    return {**now, "inputs": _with_stays(now.get("inputs"), form)} if form in tuple(TO_FIFTH) else now


def _with_stays(part: Any, form: str) -> Any:
    """The inputs with no index of any stay, and no parcel that was let go unscanned; anything else as it stands."""
    if not (isinstance(part, dict) and isinstance(dispute := part.get("dispute"), dict)):
        return part
    segments, points, checked = dispute.get("segments"), dispute.get("checkpoints"), part.get("checked")
    if not (isinstance(segments, list) and isinstance(points, list) and isinstance(checked, list)):
        return part
    known = {
        **dispute,
        "segments": [_with(each, "index", form) for each in segments],
        "checkpoints": [_with(each, "left_ms", form) for each in points],
    }
    return {**part, "dispute": known, "checked": [_with(each, "stay", form) for each in checked]}


def _with_keys(part: Any, form: str) -> Any:
    """The inputs with no own key of any site, which they had none of; anything that is no such thing as it stands."""
    if not (isinstance(part, dict) and isinstance(dispute := part.get("dispute"), dict)):
        return part
    segments, checked = dispute.get("segments"), part.get("checked")
    if not (isinstance(segments, list) and isinstance(checked, list)):
        return part
    keyed = {**dispute, "segments": [_with(each, "site_key", form) for each in segments]}
    return {**part, "dispute": keyed, "checked": [_with(each, "own", form) for each in checked]}


def _with(part: Any, name: str, form: str) -> Any:
    if not isinstance(part, dict):
        return part
    if name in part:
        raise _later(form)
    return {**part, name: None}


def _inputs(part: Any) -> Any:
    """The inputs with what they had none of; anything that is no such thing as it stands."""
    if not (isinstance(part, dict) and isinstance(part.get("params"), dict)):
        return part
    if "checked" in part or "intact_most" in part["params"]:
        raise _later(FIRST)
    brought = {**part, "checked": [], "params": {**part["params"], "intact_most": UNBOUND}}
    if isinstance(history := part.get("history"), dict) and isinstance(rows := history.get("factors"), list):
        brought["history"] = {**history, "factors": [_with_habits(row) for row in rows]}
    return brought


def _with_habits(part: Any) -> Any:
    if not isinstance(part, dict):
        return part
    if part.keys() & {"photo", "seal", "scale_g"}:
        raise _later(FIRST)
    return {**part, "photo": None, "seal": None, "scale_g": 0.0}


def _later(form: str) -> Rejected:
    return Rejected("pack_json", f"investigation.json holds what {form} has not", fix="Ask for it as exported.")
