"""By which name another lock system knows a handset: one person gives it, another confirms it.

A wrong name would turn a lawful lock of one handset into the lock of another, so naming takes two people too:

- **A name that one person gives is proposed**, and carries no lock (`plan_parts`, and again where a lock is claimed).
- **Another person confirms it** by typing it again, so that what is confirmed is what they have read. Both are employed
  and in role now, and nobody stands behind both accounts. A changed name needs it anew, and no other holds until then.
- **Releases and retirements ask for neither**: they go to every name that ever carried a lock (`part_store`).
- **Where the back-end itself can tell the IMEI** of what it knows by that name, a lock of another handset is refused
  (`refuse_other_handset`), whoever has confirmed it.
"""

from sqlmodel import Session

from custody.gs1.imei import imei_digits, imei_urn, told_imei_urn
from custody.kernel.errors import Conflict, Forbidden, NotFound
from custody.store.unit import Unit
from devicelock import part_store
from devicelock.backends.known import read_reference
from devicelock.part_store import PartRow, ReferenceRow
from devicelock.rules.authority import refuse_unless_apart
from devicelock.store import DeviceRow
from devicelock.usecases.lock_office import LockOffice

OTHER_HANDSET = "other_handset"
CONFIRMED_BY = "A second person, a supervisor or an investigator, who types the name again and confirms it."


def give_reference(unit: Unit, device: DeviceRow, *, backend: str, handset: str, account: str) -> ReferenceRow:
    """Propose the name by which a back-end knows a device; raises `Conflict` for a name that another device has."""
    name = read_reference(backend, handset, imei=device.imei)
    owner = part_store.device_at(unit.session, backend, name)
    if owner not in {None, device.device}:
        raise Conflict("reference", f"{backend} knows {owner} by this name", fix="Give the name of this handset.")
    held = unit.session.get(ReferenceRow, (device.device, backend))
    if held is not None and held.handset == name and (held.confirmed_ms is not None or held.given_by == account):
        return held
    if held is not None and held.handset != name and part_store.parts_at(unit.session, backend, held.handset):
        raise Conflict(
            "reference", f"{backend} is still asked about {held.handset}", fix="Wait until that is over, or release it."
        )
    facts = {"device": device.device, "backend": backend, "handset": name, "actor": account}
    idx = unit.record("device.reference", facts)
    row = held or ReferenceRow(device=device.device, backend=backend, handset=name, given_ms=0, given_idx=0)
    row.handset, row.given_by, row.given_ms, row.given_idx = name, account, unit.now_ms, idx
    row.confirmed_by, row.confirmed_ms, row.confirmed_idx = None, None, None
    unit.session.add(row)
    return row


def confirm_reference(
    unit: Unit, office: LockOffice, device: DeviceRow, *, backend: str, handset: str, account: str
) -> ReferenceRow:
    """Confirm a proposed name as the second person; raises `Forbidden` for the first, `Conflict` for another name."""
    row = unit.session.get(ReferenceRow, (device.device, backend))
    if row is None:
        raise NotFound("reference", f"nobody has named {device.device} at {backend}", fix="Give its name there first.")
    if row.handset != read_reference(backend, handset, imei=device.imei):
        raise Conflict(
            "reference",
            f"another name was given for {device.device} at {backend}",
            fix="Read the name at the back-end itself; type it again, or give the right one.",
        )
    second = office.decider(unit.session, account, what="confirm the name of a handset")
    if row.confirmed_ms is not None:
        return row
    if row.given_by is None or not office.may_decide(unit.session, row.given_by):
        raise Conflict(
            "reference",
            f"whoever named {device.device} at {backend} is not known, or not in role now",
            fix="Give the name again; then another person confirms it.",
        )
    first = office.decider(unit.session, row.given_by, what="name a handset")
    refuse_unless_apart(first, second, what="name a handset and confirm it", ask="a supervisor or an investigator")
    people = sorted(office.key_of(unit.session, name) for name in (row.given_by, account))
    facts = {"device": row.device, "backend": backend, "handset": row.handset, "people": people}
    row.confirmed_idx = unit.record("device.reference_confirmed", facts)
    row.confirmed_by, row.confirmed_ms = account, unit.now_ms
    unit.session.add(row)
    return row


def refuse_unless_confirmed(session: Session, part: PartRow) -> None:
    """Raise `Forbidden("reference")` unless two people have named the handset as this part does."""
    held = session.get(ReferenceRow, (part.device, part.backend))
    if held is None or held.handset != part.handset or held.confirmed_ms is None:
        detail = f"only one person says that {part.backend} knows {part.device} as {part.handset}"
        raise Forbidden("reference", detail, fix=CONFIRMED_BY)


def refuse_other_handset(device: DeviceRow, part: PartRow, *, told_imei: str | None) -> None:
    """Raise `Forbidden` if the back-end's own word is that this name is another handset's; None is no such word."""
    told = None if told_imei is None else told_imei_urn(told_imei)
    if told is None:
        return
    if told != imei_urn(device.imei):
        digits = [imei_digits(urn)[-4:] for urn in (told, device.imei)]
        raise Forbidden(
            OTHER_HANDSET,
            f"{part.backend} knows {part.handset} as the handset whose IMEI ends in {digits[0]}, and the lock is for "
            f"{device.device}, whose IMEI ends in {digits[1]}",
            fix="Release the order, give the right name of the handset there, and have a second person confirm it.",
        )
