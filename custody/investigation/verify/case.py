"""What dispute.json says of the case itself, held against the records of the same pack.

- The case was opened when `dispute.opened` was recorded, or when the last `dispute.joined` says: a case that another
  one was joined into has the earlier date of the two.
- Its state is that of the last record which names one.
- Its kind of problem is the one that `dispute.opened` or `dispute.offered` recorded; once agreed it stays.
- Its parcel and its handset are those that `dispute.opened` recorded, or the last `dispute.joined`: a report that knew
  neither has those of the case that was joined into it; or those that `dispute.handset_learned` recorded, of a report
  that no record led to a handset when it came. Cases from before these were recorded tell of none.
- Where handsets were sent commands for it, the case's handset is one of those that `device.registered` names, unless
  the lock may be that of a case that was joined into it. A lock that was asked for and never made may name another one.
- Every file that `dispute.evidence` tells of is listed, with who gave it and when, unless the case goes on in another
  one, which has its files.
- The trail is read under the parcel, else under the handset, else under the order.

The record of each line of a case tells its number (`line`), so one that is left out, its record with its line of the
timeline, leaves a gap. The record of the export is the next line after those that are here or named as later. A closed
record counts by its place, as do records from before numbers were told; after a line with a number none comes without.
Where the export has none, records that are no moves (a file that was given, a check, a lock) can be left out unseen.

Each move tells how often the case was changed, its opening included, so one that is left out leaves a gap there. Moves
from before they told it, and records that are closed, may lie in one.

Steps that are listed as recorded after the pack's checkpoint lie in the log between that and the record of the export.
What no record here tells of is said. So is what differs from the records where a later one of the case is closed, or
came after the pack's checkpoint.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from typing import Any

from custody.investigation.pack.case import FILE as CASE
from custody.investigation.pack.case import later_steps
from custody.investigation.pack.redact import redact
from custody.investigation.verify.form import OpenedPack
from custody.investigation.verify.verification import Notebook
from custody.trail.names import ORDER

OPENED, JOINED, MERGED = "dispute.opened", "dispute.joined", "dispute.merged"
LEARNED = "dispute.handset_learned"
GIVEN, RANKED = "dispute.evidence", "dispute.ranked"
STATELESS = ("dispute.promise_missed", "dispute.lock_compensation")
"""The moves that leave a case in its state, and so do not name it."""

Records = Mapping[int, Mapping[str, Any]]
Recorded = Sequence[tuple[int, Any]]
"""What records tell of one thing, each with its index, in the order of the log."""


def check_case(pack: OpenedPack, records: Records, notes: Notebook) -> None:
    """The part of step 6 that looks at the case and not at its timeline."""
    hold = partial(compare, pack, records, notes)
    _check_later(pack, notes)
    _check_moves(pack, records, notes)
    case, told = pack.case.case["case"], told_of(records, pack.case.dispute, "kind")
    joined = [index for index, kind in told if kind == JOINED]
    opened = next((index for index, kind in told if kind == OPENED), None)
    if opened is None:
        notes.says("no record here tells when the case was opened", CASE)
    else:
        dates = told_of(records, pack.case.dispute, "opened_ms", JOINED)
        hold(what="date", said=case["opened_ms"], recorded=[(opened, records[opened].get("at_ms")), *dates])
        for name, named in (("parcel", pack.case.parcel), ("imei", pack.case.imei)):
            recorded = told_of(records, pack.case.dispute, name, OPENED, JOINED, LEARNED)
            if named is not None and [value for _, value in recorded] == [None] and joined:
                notes.says(f"no record here tells whether the {name} is that of a case that was joined in", CASE)
            else:
                hold(what=name, said=named, recorded=recorded)
    hold(what="state", said=case["state"], recorded=told_of(records, pack.case.dispute, "state"))
    claims = claims_of(records, pack.case.dispute)
    if not claims and case["claim_type"] is not None:
        notes.says("no record here tells which kind of problem it is", CASE)
    hold(what="kind of problem", said=case["claim_type"], recorded=claims)
    if (pack.case.parcel or pack.case.imei or f"{ORDER}{case['order_ref'] or pack.case.dispute}") not in _keys(pack):
        notes.fails("the trail is read under another key than the case's own", CASE)
    _check_handset(pack, records, notes, joined=bool(joined))
    _check_files(pack, records, notes, gone_on=any(kind == MERGED for _, kind in told))


def _keys(pack: OpenedPack) -> set[str]:
    """What the trail is read under; an order may look like a contact, and is left out where it stands alone."""
    item = pack.case.item
    return {item, f"{ORDER}{redact(item.removeprefix(ORDER), file=CASE)[0]}"}


def _check_later(pack: OpenedPack, notes: Notebook) -> None:
    """A step that is said to be missing could excuse whatever the case says, so it must be one that can be missing."""
    later = later_steps(pack.redactions)
    if wrong := [index for index in later if not pack.head.size <= index < pack.seal.index]:
        named = ", ".join(map(str, wrong))
        notes.fails(f"steps are left out that did not come between the pack's checkpoint and its export: {named}", CASE)
    elif later:
        named = ", ".join(map(str, later))
        notes.says(f"steps of the case came after the pack's checkpoint and are not here: entries {named}", CASE)


def _check_moves(pack: OpenedPack, records: Records, notes: Notebook) -> None:
    numbered = list(told_of(records, pack.case.dispute, "version"))
    if not numbered:
        return
    first, _ = numbered[0]
    at_first = [(index, 1) for index, _ in told_of(records, pack.case.dispute, "kind", OPENED) if index < first]
    unread = [line.index for line in pack.case.timeline if line.index is not None and line.index not in records]
    moved = (*told_of(records, pack.case.dispute, "state"), *told_of(records, pack.case.dispute, "kind", *STATELESS))
    unread += [index for index, _ in moved if index < first]
    for (before, low), (after, high) in pairwise([*at_first, *numbered]):
        between = sum(before < index < after for index in unread)
        if not 0 < high - low <= between + 1:
            notes.fails(f"between entries {before} and {after} steps of the case are left out", CASE)


def check_lines(pack: OpenedPack, records: Records, exported: Any, notes: Notebook) -> None:
    """Whether the lines of the case have their numbers, up to that of the export, which its own record tells."""
    at, counted = 0, False
    for line in pack.case.timeline:
        at += 1
        if line.index is not None and line.index not in records:
            continue
        number = None if line.index is None else records[line.index].get("line")
        if number != at and (counted or number is not None):
            notes.fails(_miscounted(number, at), CASE if line.index is None else f"{CASE}, entry {line.index}")
            at = number if isinstance(number, int) else at - 1
        counted = counted or number is not None
    at += len(later_steps(pack.redactions)) + 1
    if exported is None and not counted:
        notes.says("a record that is no move of the case (a file, a check, a lock) could be left out unseen", CASE)
    elif exported != at:
        notes.fails(_miscounted(exported, at), "seal.json")
    else:
        notes.holds(f"the export is line {at} of the case, and those before it are here or named", CASE)
        notes.says("records of a lock that no line of the case tells of could be left out unseen", CASE)


def _miscounted(number: Any, at: int) -> str:
    if not isinstance(number, int):
        return "this line of the case has no number, and one before it has"
    if number > at:
        return f"lines of the case are left out before its line {number}: {number - at}"
    return f"line {number} of the case stands at place {at}"


def compare(pack: OpenedPack, records: Records, notes: Notebook, *, what: str, said: Any, recorded: Recorded) -> None:
    """What the case says of one thing, held against the last record that tells of it."""
    if not recorded or recorded[-1][1] == said:
        return
    if closed_since(pack, records, recorded[-1][0]):
        notes.says(f"the {what} of the case may be told by a record that is closed or not here: {said}", CASE)
    else:
        notes.fails(f"the {what} of the case is {said}, and the log recorded {recorded[-1][1]}", CASE)


def _check_handset(pack: OpenedPack, records: Records, notes: Notebook, *, joined: bool) -> None:
    imeis = {
        fields.get("device"): fields.get("imei") for fields in records.values() if fields["kind"] == "device.registered"
    }
    named = {(imeis[one.device], bool(one.commands)) for one in pack.locks.orders if one.device in imeis}
    if pack.case.imei is not None and any(imei != pack.case.imei for imei, sent in named if not sent):
        notes.says("a lock of another handset was asked for in this case, and no command was made of it", CASE)
    locked = {imei for imei, sent in named if sent or pack.case.imei is None}
    if not locked:
        return
    if pack.case.imei is None:
        notes.says("the case names no handset, and one was registered for its lock", CASE)
    elif pack.case.imei not in locked and joined:
        notes.says("the handset of the case is not the one that was locked: that may be of a case joined in", CASE)
    elif pack.case.imei not in locked:
        notes.fails("the handset of the case is not the one that was registered for its lock", CASE)


def _check_files(pack: OpenedPack, records: Records, notes: Notebook, *, gone_on: bool) -> None:
    listed = {(file.sha256, file.at_ms, file.given_by) for file in pack.case.evidence}
    given = [(records[index], digest) for index, digest in told_of(records, pack.case.dispute, "sha256", GIVEN)]
    told = {(digest.hex(), fields.get("at_ms"), fields.get("actor")) for fields, digest in given}
    if told - listed and gone_on:
        notes.says("files that were given are listed in the case that this one was joined into", CASE)
    elif told - listed:
        notes.fails("a file that was given, as the log recorded, is not listed", CASE)
    if others := listed - told:
        notes.says(f"that {len(others)} of the files were given is told by no record here", CASE)


def is_step(fields: Mapping[str, Any], dispute: str) -> bool:
    """Whether a record tells of a step of this case."""
    return fields["kind"].startswith("dispute.") and fields.get("dispute") == dispute


def claims_of(records: Records, dispute: str) -> Recorded:
    """The kinds of problem that were agreed on in a case."""
    return [(index, claim) for index, claim in told_of(records, dispute, "claim_type") if claim]


def joined_into(records: Records, dispute: str) -> list[str]:
    """The cases that were joined into a case."""
    return [str(name) for _, name in told_of(records, dispute, "from", JOINED)]


def closed_since(pack: OpenedPack, records: Records, index: int) -> bool:
    """Whether a step of the case after an entry is closed, or came after the pack's checkpoint."""
    lines = [line.index for line in pack.case.timeline if line.index is not None and line.index > index]
    return bool(later_steps(pack.redactions)) or any(line not in records for line in lines)


def told_of(records: Records, dispute: str, name: str, *kinds: str) -> Recorded:
    """What the steps of a case tell under a name; those of some kinds, or all."""
    return [
        (index, fields[name])
        for index, fields in sorted(records.items())
        if is_step(fields, dispute) and name in fields and (not kinds or fields["kind"] in kinds)
    ]
