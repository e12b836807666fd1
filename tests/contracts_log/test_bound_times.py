"""A station embeds the checkpoint it saw cosigned; the service places its scan between two witnessed moments."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from custody.gs1.named_information import write_ni
from custody.kernel.clock import SECOND_MS
from custody.ledger.cosignature import cosigned_at_s
from custody.ledger.note import parse_note
from custody.ledger.time_bounds import TimeBounds, note_digest
from custody.ledger.witness_policy import WitnessPolicy, parse_policy
from custody.store import witness_book
from custody.store.unit import House
from custody.store.witness_folder import WitnessFolder
from custody.usecases.bound_times import bound_times
from custody.usecases.cosign import ask, take
from custody.usecases.open_log import name_witnesses
from custody.usecases.read_trail import read_trail
from custody.usecases.witness_log import Witness
from tests.contracts_log.small_house import SSCC, VERIFIER, Bench, add_records, enrol_bench, opened_house, send
from tests.world_parts import Clock, key

NAME = "carrier.example/w1"
VKEY = VERIFIER.key.vkey()


class Court:
    """A house with a station, one witness and its policy in the log."""

    def __init__(self, url: str, folder: WitnessFolder) -> None:
        self.house: House = opened_house(url)
        self.bench: Bench = enrol_bench(self.house)
        self.witness = Witness(folder, name=NAME, signer=key("witness"), logs=[VERIFIER.key], clock=Clock())
        self.text = f"log {VKEY}\nwitness carrier {self.witness.vkeys[0]}\nquorum carrier\n"
        self._known = 0

    @property
    def policy(self) -> WitnessPolicy:
        return parse_policy(self.text)

    def name_witnesses(self) -> None:
        with self.house.unit() as unit:
            name_witnesses(self.house, unit, {"working": self.text}, registrar=key("registrar"))

    def cosign(self) -> bytes:
        """Have the witness cosign the newest head; returns what the public sees then."""
        with self.house.read() as session:
            asked = ask(session, self._known)
        answer = self.witness.add_checkpoint(asked.body)
        assert answer.status == 200, answer.body
        with self.house.unit() as unit:
            take(unit, asked, answer.body, keys=self.policy.witnesses, policy=self.policy)
        self._known = asked.size
        with self.house.read() as session:
            shown = witness_book.newest(session)
        assert shown is not None
        assert shown.size == asked.size
        return shown.note

    def scan(self, seen: bytes | None = None) -> None:
        more = {} if seen is None else {"wl:witnessedCheckpoint": write_ni(note_digest(seen))}
        send(self.house, self.bench.sign(self.house, **more))

    def bounds(self) -> list[TimeBounds]:
        """The bounds of the parcel's scans, in trail order."""
        with self.house.read() as session:
            trail = read_trail(session, SSCC).trail
            found = bound_times(session, trail)
        return [found.get(entry.digest, TimeBounds()) for entry in trail.entries]


@pytest.fixture
def court(sqlite_url: str, tmp_path: Path) -> Iterator[Court]:
    """Lend a court."""
    folder = WitnessFolder(tmp_path / "witness")
    yield Court(sqlite_url, folder)
    folder.close()


def at_ms(note: bytes) -> int:
    return cosigned_at_s(parse_note(note).signatures[1].blob) * SECOND_MS


def test_a_scan_lies_between_the_checkpoint_it_saw_and_the_first_one_that_covers_it(court: Court) -> None:
    court.name_witnesses()
    seen = court.cosign()
    court.scan(seen)
    assert court.bounds() == [TimeBounds(not_before_ms=at_ms(seen), not_after_ms=None)]
    covering = court.cosign()
    add_records(court.house, 3)
    court.cosign()
    bounds = TimeBounds(not_before_ms=at_ms(seen), not_after_ms=at_ms(covering) + 999)
    assert court.bounds() == [bounds]
    assert bounds.not_before_ms <= bounds.not_after_ms


def test_what_a_station_saw_is_found_again_after_newer_checkpoints_were_shown(court: Court) -> None:
    court.name_witnesses()
    seen = court.cosign()
    add_records(court.house, 2)
    newer = court.cosign()
    court.scan(seen)
    court.scan(newer)
    covering = court.cosign()
    assert [each.not_before_ms for each in court.bounds()] == [at_ms(seen), at_ms(newer)]
    assert {each.not_after_ms for each in court.bounds()} == {at_ms(covering) + 999}


def test_a_scan_that_embeds_nothing_or_something_unknown_has_no_lower_bound(court: Court) -> None:
    court.name_witnesses()
    court.cosign()
    court.scan()
    court.scan(b"a note that this service never showed")
    covering = court.cosign()
    assert court.bounds() == [TimeBounds(not_after_ms=at_ms(covering) + 999)] * 2


def test_without_witnesses_in_the_logs_policy_nothing_is_bounded(court: Court) -> None:
    court.scan(court.cosign())
    court.cosign()
    assert court.bounds() == [TimeBounds()]
    court.name_witnesses()
    assert court.bounds() != [TimeBounds()]
