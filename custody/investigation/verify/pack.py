"""Checking an evidence pack offline: ten numbered steps, each with what holds, what does not, and what cannot be told.

1 form and manifest; 2 the head; 3 entries; 4 policies and keys; 5 scans; 6 records; 7 locks; 8 trail and report;
9 probabilities; 10 witnesses. A pack that fails step 1 is looked at no further. Every later step runs whatever the
others found, and a step that cannot read what it needs fails: nothing in a pack can end the check early.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeVar

from custody.investigation.pack.log import replay
from custody.investigation.verify import derived as verify_derived
from custody.investigation.verify import locks as verify_locks
from custody.investigation.verify import log as verify_log
from custody.investigation.verify import scans as verify_scans
from custody.investigation.verify.form import OpenedPack, open_pack
from custody.investigation.verify.verification import Notebook, PackFinding, PackStep, Verification
from custody.kernel.errors import Trouble
from custody.ledger.registry import Registry

Found = TypeVar("Found")


def verify_pack(raw: bytes, *, vkey: str | None = None, witnesses: str | None = None) -> Verification:
    """The verification of a pack; never raises, whatever the bytes.

    `vkey` is the log's key as the checker knows it; `witnesses` a witness policy (C2SP tlog-policy) of his own.
    """
    form = Notebook(step=PackStep.FORM)
    pack = _guarded(form, lambda: open_pack(raw))
    registry = None if pack is None else _guarded(form, lambda: replay(pack.entries))
    if pack is None or registry is None:
        return Verification(checks=tuple(form.checks))
    form.holds(f"{len(pack.files)} files are as the manifest lists them, and no byte is beside them")
    checks = [*form.checks, *_later_steps(pack, registry, vkey=vkey, witnesses=witnesses)]
    return Verification(checks=tuple(checks), dispute=pack.case.dispute, origin=pack.head.origin, size=pack.head.size)


def _later_steps(
    pack: OpenedPack, registry: Registry, *, vkey: str | None, witnesses: str | None
) -> Iterator[PackFinding]:
    steps: tuple[tuple[PackStep, Callable[[Notebook], None]], ...] = (
        (PackStep.HEAD, lambda notes: verify_log.check_head(pack, notes, vkey=vkey)),
        (PackStep.ENTRIES, lambda notes: verify_log.check_entries(pack, notes)),
        (PackStep.REGISTRY, lambda notes: verify_log.check_registry(pack, registry, notes)),
        (PackStep.SCANS, lambda notes: verify_scans.check_scans(pack, registry, notes)),
        (PackStep.RECORDS, lambda notes: verify_scans.check_records(pack, registry, notes)),
        (PackStep.LOCKS, lambda notes: verify_locks.check_locks(pack, registry, notes)),
        (PackStep.TRAIL, lambda notes: verify_derived.check_trail(pack, registry, notes)),
        (PackStep.INVESTIGATION, lambda notes: verify_derived.check_investigation(pack, registry, notes)),
        (PackStep.WITNESSES, lambda notes: verify_log.check_witnesses(pack, registry, notes, witnesses=witnesses)),
    )
    for step, check in steps:
        notes = Notebook(step=step)
        _guarded(notes, partial(check, notes))
        yield from notes.checks


def _guarded(notes: Notebook, act: Callable[[], Found]) -> Found | None:
    """What `act` returns; None, with a note, if it stumbled."""
    try:
        return act()
    except Trouble as error:
        notes.fails(error.detail)
    except Exception as error:  # noqa: BLE001 - a hostile pack must be refused, whatever it makes a reader stumble over
        notes.fails(f"it cannot be read: {type(error).__name__}")
    return None
