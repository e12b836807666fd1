"""The judge on a scan that may be about several parcels: one verdict, the reasons of all of them together."""

from collections.abc import Mapping, Sequence

from custody.kernel.clock import Instant
from custody.kernel.key_standing import KeyStanding
from custody.scans.advance import UNSEEN
from custody.scans.follow import units_of
from custody.scans.judge import is_newest, reasons, sequence_flags
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import Flag, Verdict, already_done, sum_up
from custody.scans.view import StationHead, UnitView


def judge_parcels(
    scan: Scan,
    *,
    standing: KeyStanding,
    head: StationHead | None,
    views: Mapping[str, UnitView],
    now_ms: Instant,
    tolerances: Tolerances,
) -> Verdict:
    """The verdict, given what is known of parcels and handsets by key; what has no view was never seen."""
    if is_newest(scan, head):
        return already_done()
    units = units_of(scan.event, lambda key: views.get(key, UNSEEN), tolerances.edition)
    sequence = tuple(sequence_flags(scan.seq, scan.prev, head))
    return judge_units(scan, standing=standing, sequence=sequence, units=units, now_ms=now_ms, tolerances=tolerances)


def judge_units(
    scan: Scan,
    *,
    standing: KeyStanding,
    sequence: Sequence[Flag],
    units: Sequence[UnitView],
    now_ms: Instant,
    tolerances: Tolerances,
) -> Verdict:
    """The verdict, given what is known of each parcel and what is wrong with the statement's place in its sequence."""
    flags = [
        flag
        for unit in units
        for flag in reasons(scan, standing=standing, sequence=sequence, unit=unit, now_ms=now_ms, tolerances=tolerances)
    ]
    return sum_up(flags if len(units) == 1 else dict.fromkeys(flags))
