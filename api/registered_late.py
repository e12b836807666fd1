"""A handset that is registered while a case about it is open: the lock that nobody could order then is asked for now.

It is judged in full, by the authority in force, as if the case had been opened now: a handset of which nobody had heard
is locked by no less than any other one.
"""

from api import joints
from api.open_cases import open_cases
from custody.store import case_book, report_turn
from custody.store.unit import Unit
from devicelock import store as lock_store
from devicelock.usecases.lock_office import LockOffice


def hold_waiting(unit: Unit, imei: str) -> list[str]:
    """The open cases about a handset that was never registered, held before anything is recorded of it."""
    report_turn.change_begins(unit)
    if lock_store.device_by_imei(unit.session, imei) is not None:
        return []
    names = [file.case.id for file in open_cases(unit.session, imei)]
    case_book.claim(unit, names)
    return names


def lock_registered(unit: Unit, office: LockOffice, disputes: list[str]) -> None:
    """Ask for the lock of each of these cases that still wishes for one."""
    unit.session.flush()
    joints.lock_when_freed(unit, office, disputes)
