"""The judge on a scan that may be about several parcels: one verdict, the reasons of all of them together."""

from collections.abc import Mapping

from custody.kernel.clock import Instant
from custody.scans.advance import UNSEEN, parcels_of
from custody.scans.judge import judge
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.scans.verdict import Verdict, sum_up
from custody.scans.view import KeyStanding, StationHead, UnitView


def judge_parcels(
    scan: Scan,
    *,
    standing: KeyStanding,
    head: StationHead | None,
    views: Mapping[str, UnitView],
    now_ms: Instant,
    tolerances: Tolerances,
) -> Verdict:
    """The verdict, given what is known of the parcels by key; a parcel without a view was never seen."""
    known = [views.get(parcel, UNSEEN) for parcel in parcels_of(scan.event)] or [UNSEEN]
    verdicts = [
        judge(scan, standing=standing, head=head, unit=view, now_ms=now_ms, tolerances=tolerances) for view in known
    ]
    if len(verdicts) == 1:
        return verdicts[0]
    return sum_up(dict.fromkeys(flag for verdict in verdicts for flag in verdict.flags))
