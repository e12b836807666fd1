"""The judge by one edition of its rules, following the scans of a made-up network."""

from typing import Any

from custody.kernel.key_standing import KeyStanding
from custody.scans.advance import UNSEEN
from custody.scans.edition import Edition
from custody.scans.follow import follow
from custody.scans.judge_parcels import judge_parcels
from custody.scans.tolerances import Tolerances
from custody.scans.view import StationHead, UnitView
from custody.trail.sealed import SealedScan
from tests.rooms.trail.world import CARRIER, SELLER, World


class Court:
    """The judge by one edition of its rules, with what it knows."""

    def __init__(self, edition: Edition) -> None:
        self.tolerances = Tolerances(edition=edition)
        self.views: dict[str, UnitView] = {}

    def codes(self, sealed: SealedScan) -> list[str]:
        """The flags of the next scan."""
        scan = sealed.scan
        head = None if scan.prev is None else StationHead(seq=scan.seq - 1, digest=scan.prev)
        verdict = judge_parcels(
            scan,
            standing=KeyStanding.VALID,
            head=head,
            views=self.views,
            now_ms=sealed.received_ms,
            tolerances=self.tolerances,
        )
        by, edition = sealed.station.custodian, self.tolerances.edition
        self.views |= follow(scan.event, lambda key: self.views.get(key, UNSEEN), edition, custodian=by)
        return [flag.code for flag in verdict.flags]


def court(edition: Edition, world: World) -> Court:
    """The judge once a parcel of 540 g is packed and sealed."""
    made = Court(edition)
    assert made.codes(world.pack(**{"wl:declaredMassGrams": 540})) == []
    assert made.codes(world.seal()) == []
    return made


def party(side: str, key: str) -> dict[str, Any]:
    """One side of a handover."""
    return {f"{side}List": [{"type": "possessing_party", side: key}]}


COURIER = "https://id.gs1.org/417/9521999000013"
BETWEEN = {**party("source", SELLER), **party("destination", CARRIER)}
ON = {**party("source", CARRIER), **party("destination", COURIER)}
