from collections import Counter, defaultdict
from itertools import pairwise

import pytest

from custody.gs1.named_information import write_ni
from custody.kernel.key_standing import KeyStanding
from custody.scans.advance import UNSEEN, advance, parcels_of
from custody.scans.judge import judge
from custody.scans.scan import Scan, open_scan
from custody.scans.tolerances import Tolerances
from custody.scans.view import StationHead
from simulators.events import EarlierScan, Thread, pin_proof
from simulators.geography import build_geography
from simulators.network import World, imagine
from simulators.route import Act, What
from tests.rooms.simulators.conftest import NOW_MS, small


@pytest.fixture(scope="module")
def opened(world: World) -> list[Scan]:
    return [open_scan(scan.statement, scan.opening) for scan in world.scans]


def test_the_same_seed_signs_the_same_bytes(world: World) -> None:
    again = imagine(small())
    assert [scan.statement + scan.opening for scan in world.scans] == [s.statement + s.opening for s in again.scans]


def test_every_scan_opens_without_a_warning_and_its_station_signed_it(world: World, opened: list[Scan]) -> None:
    keys = {station.name: station.signer.public for station in world.stations.values()}
    for scan in opened:
        assert scan.event.warnings == ()
        scan.message.verify(keys[scan.station])


def test_every_station_numbers_its_statements_from_one_and_names_the_one_before(opened: list[Scan]) -> None:
    chains = defaultdict(list)
    for scan in opened:
        chains[scan.station].append(scan)
    for chain in chains.values():
        assert [scan.seq for scan in chain] == list(range(1, len(chain) + 1))
        assert chain[0].prev is None
        assert all(after.prev == before.digest for before, after in pairwise(chain))


def test_every_scan_of_a_parcel_names_the_scan_before(opened: list[Scan]) -> None:
    for chain in _by_shipment(opened).values():
        assert "wl:prevScan" not in chain[0].event.extensions
        for before, after in pairwise(chain):
            assert after.event.extensions["wl:prevScan"] == write_ni(before.digest)


def test_an_acceptance_binds_to_the_signed_bytes_of_the_release_it_answers_or_names_none(
    opened: list[Scan],
) -> None:
    by_id = {scan.event.event_id: scan for scan in opened}
    bound = unbound = 0
    for scan in opened:
        if scan.event.biz_step != "accepting" or scan.event.disposition == "retail_sold":
            continue
        upstream = [by_id[ref] for kind, ref in scan.event.transactions if kind == "upevt"]
        if not upstream:
            assert "wl:upstreamStatement" not in scan.event.extensions
            unbound += 1
            continue
        assert upstream[0].event.biz_step == "departing"
        assert upstream[0].event.parties()[1] == scan.event.parties()[1]
        assert scan.event.extensions["wl:upstreamStatement"] == write_ni(upstream[0].digest)
        bound += 1
    assert bound > 100
    assert unbound < 0.15 * bound


def test_the_subject_of_a_scan_tells_neither_parcel_nor_handset(world: World, opened: list[Scan]) -> None:
    secrets = {p.unit.imei[:14] for p in world.past.parcels} | {p.sscc[-18:] for p in world.past.parcels}
    for scan in opened:
        assert not any(secret in scan.subject for secret in secrets)
        assert not any(secret.encode() in scan.entry for secret in secrets)


def test_two_stations_read_the_serial_of_every_parcel_that_was_sealed(opened: list[Scan]) -> None:
    for chain in _by_shipment(opened).values():
        if any(scan.event.biz_step == "installing" for scan in chain):
            readers = {scan.station for scan in chain if _names_a_handset(scan)}
            assert len(readers) == 2


def test_the_order_of_every_packed_parcel_is_found_by_its_reference(world: World, opened: list[Scan]) -> None:
    packed = set().union(*(scan.event.keys() for scan in opened if scan.event.biz_step == "packing"))
    assert {f"po:{parcel.order}" for parcel in world.past.parcels if parcel.stays[1].opens_ms < NOW_MS} <= packed


def test_the_judge_quarantines_nothing_of_it_and_flags_only_what_looks_wrong(opened: list[Scan]) -> None:
    heads, views, flags, results = {}, {}, Counter(), Counter()
    for scan in opened:
        for key in parcels_of(scan.event):
            verdict = judge(
                scan,
                standing=KeyStanding.VALID,
                head=heads.get(scan.station),
                unit=views.get(key, UNSEEN),
                now_ms=NOW_MS,
                tolerances=Tolerances(),
            )
            results[verdict.result] += 1
            delivery = scan.event.disposition == "retail_sold"
            flags.update(flag.code for flag in verdict.flags if not delivery)
            views[key] = advance(views.get(key, UNSEEN), scan.event)
        heads[scan.station] = StationHead(seq=scan.seq, digest=scan.digest)
    assert results["quarantined"] == 0
    assert set(flags) <= {"late_offline", "seal_differs", "weight_out", "not_due_here"}
    assert flags["seal_differs"] + flags["weight_out"] < 0.02 * len(opened)
    assert flags["not_due_here"] < 0.03 * len(opened)


def test_a_thread_forgets_a_release_once_it_is_accepted() -> None:
    thread, release, acceptance = Thread(), _statement(1), _statement(2)
    geography = build_geography()
    hub, road = geography.post("hub-1/hub_sort"), geography.post("lh-hub-1/linehaul")
    thread.follow(Act(at_ms=1, what=What.RELEASED, post=hub, handler="h-1", other=road.link), release)
    assert (thread.last, thread.release_to(road.link), thread.acceptance) == (release, release, None)
    assert thread.release_to(hub.link) is None
    thread.follow(Act(at_ms=2, what=What.ACCEPTED, post=road, handler="h-2", other=hub.link), acceptance)
    assert (thread.last, thread.release_to(road.link), thread.acceptance) == (acceptance, None, acceptance)


def test_a_pin_proof_depends_on_every_part_of_it() -> None:
    parts = {"secret": b"k" * 32, "challenge": "c", "pin": "000123", "sscc": "s", "upstream": "u"}
    proofs = {pin_proof(**parts)}
    for name, other in (("secret", b"x" * 32), ("challenge", "d"), ("pin", "000124"), ("sscc", "t"), ("upstream", "v")):
        proofs.add(pin_proof(**{**parts, name: other}))
    assert len(proofs) == 6


def _by_shipment(scans: list[Scan]) -> dict[str, list[Scan]]:
    chains: dict[str, list[Scan]] = defaultdict(list)
    for scan in scans:
        chains[scan.subject].append(scan)
    return chains


def _names_a_handset(scan: Scan) -> bool:
    found = scan.event.keys()
    return any(key.startswith("urn:gsma:imei:") for key in found)


def _statement(number: int) -> EarlierScan:
    return EarlierScan(event_id=f"urn:uuid:{number}", digest=bytes([number]) * 32)
