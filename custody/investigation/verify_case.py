"""What dispute.json says of the case itself, held against the records of the same pack.

- The case was opened when `dispute.opened` was recorded, or when the last `dispute.joined` says: a case that another
  one was joined into has the earlier date of the two.
- Its kind of problem is the one that `dispute.opened` or `dispute.offered` recorded; once agreed it stays.
- Its parcel and its handset are those that `dispute.opened` recorded, in cases that were opened since it records them.
- Where handsets were locked for it, the case's handset is one of those that `device.registered` names.
- The trail is read under the parcel, else under the handset, else under an order.

What no record here tells of is said.
"""

from collections.abc import Mapping
from typing import Any

from custody.investigation.pack_case import FILE as CASE
from custody.investigation.verify_form import OpenedPack
from custody.investigation.verify_verdict import Notebook
from custody.trail.names import ORDER

OPENED, JOINED = "dispute.opened", "dispute.joined"

Records = Mapping[int, Mapping[str, Any]]


def check_case(pack: OpenedPack, records: Records, notes: Notebook) -> None:
    """The part of step 6 that looks at the case and not at its timeline."""
    case, steps = pack.case.case["case"], _steps(records, pack.case.dispute)
    opened = next((fields for fields in steps if fields["kind"] == OPENED), None)
    if opened is None:
        notes.says("no record here tells when the case was opened", CASE)
    else:
        joined = [fields["opened_ms"] for fields in steps if fields["kind"] == JOINED and "opened_ms" in fields]
        if case["opened_ms"] != [opened.get("at_ms"), *joined][-1]:
            notes.fails("the case was opened at another time than the log recorded", CASE)
        for name, told in (("parcel", pack.case.parcel), ("imei", pack.case.imei)):
            if opened.get(name, told) != told:
                notes.fails(f"the {name} of the case is not the one that the log recorded when it was opened", CASE)
    named = pack.case.parcel or pack.case.imei
    if pack.case.item != named if named else not pack.case.item.startswith(ORDER):
        notes.fails("the trail is read under another key than the case's own", CASE)
    claims = claims_of(records, pack.case.dispute)
    if not claims and case["claim_type"] is not None:
        notes.says("no record here tells which kind of problem it is", CASE)
    elif claims and case["claim_type"] != claims[-1]:
        notes.fails(f"the case is {case['claim_type']}, and the log recorded {claims[-1]}", CASE)
    _check_handset(pack, records, notes)


def _check_handset(pack: OpenedPack, records: Records, notes: Notebook) -> None:
    devices = {history.device for history in pack.locks.orders}
    locked = {
        fields.get("imei")
        for fields in records.values()
        if fields["kind"] == "device.registered" and fields.get("device") in devices
    }
    if not locked:
        return
    if pack.case.imei is None:
        notes.says("the case names no handset, and one was registered for its lock", CASE)
    elif pack.case.imei not in locked:
        notes.fails("the handset of the case is not the one that was registered for its lock", CASE)


def is_step(fields: Mapping[str, Any], dispute: str) -> bool:
    """Whether a record tells of a step of this case."""
    return fields["kind"].startswith("dispute.") and fields.get("dispute") == dispute


def claims_of(records: Records, dispute: str) -> list[str]:
    """The kinds of problem that were agreed on in a case, in the order of the log."""
    return [fields["claim_type"] for fields in _steps(records, dispute) if fields.get("claim_type")]


def _steps(records: Records, dispute: str) -> list[Mapping[str, Any]]:
    return [fields for _, fields in sorted(records.items()) if is_step(fields, dispute)]
