"""Load of whole journeys: real scans of one station, of all kinds, that name each other as those of a network do."""

from collections import Counter

from custody.gs1.imei import imei_digits, imei_urn
from custody.gs1.named_information import write_ni
from custody.scans.scan import Scan, open_scan
from simulators.journeys import batch_journeys, sign_journeys
from simulators.load import load_stations
from simulators.network import imagine, small_world

AT_MS = 1_790_000_000_000


def opened(each: int, *, seed: int = 1) -> list[Scan]:
    (lane,) = sign_journeys(load_stations(1, seed=1), each=each, at_ms=AT_MS, seed=seed)
    return [open_scan(scan.statement, scan.opening) for scan in lane]


def steps(scans: list[Scan]) -> set[str | None]:
    return {scan.event.biz_step for scan in scans}


def test_scans_are_of_all_steps_that_a_played_network_has() -> None:
    played = imagine(small_world(seed=1, now_ms=AT_MS)).scans
    assert steps(opened(400)) == steps([open_scan(scan.statement, scan.opening) for scan in played])


def test_a_scan_is_as_long_as_those_of_a_played_network() -> None:
    played = imagine(small_world(seed=1, now_ms=AT_MS)).scans
    (lane,) = sign_journeys(load_stations(1, seed=1), each=1_000, at_ms=AT_MS, seed=1)
    mean, of_played = (sum(len(scan.opening) for scan in scans) / len(scans) for scans in (lane, played))
    assert abs(mean / of_played - 1) < 0.1


def test_each_scan_follows_the_one_before_and_ends_before_the_time_given() -> None:
    scans = opened(60)
    assert [scan.seq for scan in scans] == list(range(1, 61))
    assert [scan.event.event_time_ms for scan in scans] == [AT_MS - (60 - place) * 1_000 for place in range(60)]


def test_scans_name_the_one_before_and_the_release_that_they_answer() -> None:
    scans = opened(200)
    named = {write_ni(scan.digest) for scan in scans}
    answers = {scan.event.extensions.get(word) for word in ("wl:upstreamStatement", "wl:prevScan") for scan in scans}
    assert len(answers) > 100
    assert answers <= {*named, None}


def test_so_many_parcels_are_on_their_ways_at_once_and_each_goes_its_own() -> None:
    shipments = Counter(scan.subject for scan in opened(300))
    assert len(shipments) >= 20
    assert max(shipments.values()) > 10


def test_no_two_loads_tell_of_one_parcel() -> None:
    assert not {scan.subject for scan in opened(60, seed=1)} & {scan.subject for scan in opened(60, seed=2)}


def test_batches_are_of_the_size_asked_for() -> None:
    (made,) = batch_journeys(load_stations(1, seed=1), batches=2, size=50, at_ms=AT_MS, seed=1)
    assert [len(batch.scans) for batch in made] == [50, 50]
    assert [scan.seq for batch in made for scan in batch.scans] == list(range(1, 101))


def test_handsets_have_right_check_digits() -> None:
    urns = {urn for scan in opened(200) for urn in scan.event.imeis}
    assert urns
    assert {imei_urn(imei_digits(urn)) for urn in urns} == urns
