"""A report, and a change of what it reads, at one moment: one of them waits until the other has come to its end.

A report reads what is known of its order and writes it into a case that nobody else sees before its unit ends.

- Were that erased meanwhile, no case would stand in the way, and what the report had read would outlast the erasure.
- Were its handset registered meanwhile, the report would find none to lock, and the registration no case that asks.

Any number of reports go beside each other. On SQLite units take turns in any case.
"""

from sqlalchemy import text

from custody.store.engine import is_sqlite
from custody.store.unit import Unit

TURN = 0x7265706F


def report_begins(unit: Unit) -> None:
    """Nothing of this changes until this unit ends; called before it reads what goes into a case."""
    _wait(unit, "pg_advisory_xact_lock_shared")


def change_begins(unit: Unit) -> None:
    """No unit that has read for a case is under way until this one ends; called before it holds anything else."""
    _wait(unit, "pg_advisory_xact_lock")


def _wait(unit: Unit, lock: str) -> None:
    if not is_sqlite(unit.session.get_bind()):
        unit.session.execute(text(f"SELECT {lock}(:turn)"), {"turn": TURN})
