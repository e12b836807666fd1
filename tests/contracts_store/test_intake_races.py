"""Whatever two services take in at one moment, in whatever order, one of them alone would judge the same again.

Two stations send all that they signed, some of it twice, through both; other statements come under numbers of theirs,
and the key of one of them is revoked meanwhile.
"""

import random
import threading
from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import select
from sqlmodel import col

from custody.ledger.note import Ed25519Verifier, text_key
from custody.scans.scan import Scan
from custody.scans.tolerances import Tolerances
from custody.store.bulk import table_of
from custody.store.run_tables import DigestRow, ItemKeyRow
from custody.store.tables import EntryRow
from custody.store.unit import House
from custody.usecases.accept_scans import Intake
from custody.usecases.check_names import unfound
from custody.usecases.enrol_station import revoke
from custody.usecases.rebuild_names import rebuild_names
from custody.usecases.replay_verdicts import compare_verdicts
from tests.contracts_store.houses import Yard, forge, make_yard, running
from tests.handed_in import hand_in
from tests.world_parts import ORIGIN, key

VERIFIER = Ed25519Verifier(key=text_key(ORIGIN, key("log").public))

FEW = (1, 1, 2, 3)


def sent(yard: Yard, rng: random.Random) -> list[Scan]:
    """What both services are sent: every scan, some again, and some others under their numbers."""
    scans = [scan for lane in yard.lanes for scan in lane]
    twins = [
        forge(yard.stations[place], signed, salt=f"other {number}")
        for place, lane in enumerate(yard.signed_lanes)
        for number, signed in enumerate(rng.sample(lane, 4))
    ]
    every = [*scans, *twins, *rng.sample(scans, 8), *rng.sample(twins, 4)]
    rng.shuffle(every)
    return every


def send(intake: Intake, scans: Sequence[Scan], few: Sequence[int], start: threading.Barrier) -> None:
    """Hand scans in, a few at a time, and wait for all answers."""
    start.wait()
    left, waiting = list(scans), []
    for size in few:
        waiting.append(hand_in(intake, left[:size]))
        del left[:size]
    waiting.append(hand_in(intake, left))
    for answered in waiting:
        answered.result(timeout=60)


@pytest.mark.parametrize("seed", range(4))
def test_what_two_services_take_in_at_once_stands_once_and_replays(house: House, other: House, seed: int) -> None:
    rng, yard = random.Random(seed), make_yard(house, stations=2, each=12)  # noqa: S311 - the same each time
    every, start = sent(yard, rng), threading.Barrier(3)
    cut = rng.randint(10, len(every) - 10)
    with running(house) as one, running(other) as two:
        parts = [(one, every[:cut], rng.choices(FEW, k=3)), (two, every[cut:], rng.choices(FEW, k=3))]
        senders = [threading.Thread(target=send, args=(*part, start)) for part in parts]
        for sender in senders:
            sender.start()
        start.wait()
        with house.unit() as unit:
            name = yard.stations[0].name
            revoke(unit, station=name, reason="lost", suspect_from=None, registrar=key("registrar"))
        for sender in senders:
            sender.join()
    with house.unit() as unit:
        session = unit.session
        entries = Counter(session.scalars(select(col(EntryRow.digest))))
        assert max(entries.values()) == 1
        assert {scan.digest for scan in every} <= entries.keys()
        for table in (DigestRow, ItemKeyRow):
            named = [tuple(row) for row in session.execute(select(*table_of(table).columns))]
            assert len(named) == len(set(named))
        assert list(unfound(session)) == []
        found = compare_verdicts(session, Tolerances())
        assert (found.different, found.damaged) == ((), ())
        rebuilt = rebuild_names(unit, VERIFIER, Tolerances(), tell=lambda *_: None, is_rehearsal=True)
        assert not rebuilt.is_changed, rebuilt.tables
