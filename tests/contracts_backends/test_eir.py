"""The IMEI list: its files, their order, its limits and its two people."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.gs1.check_digit import luhn_check_digit
from custody.kernel.clock import DAY_MS
from custody.kernel.errors import Conflict, Fatal, Forbidden, NotFound, Rejected, Unavailable
from custody.kernel.keys import new_signer
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.eir_folder import EirFolder
from devicelock.backends.eir_list import (
    EirEntry,
    EirFileKind,
    ImeiStatus,
    fold,
    open_publication,
    parse,
    publish,
    read_imei,
    render,
)
from devicelock.rules.applied import Applied
from devicelock.rules.command import Authority, Basis, Reason
from tests.contracts_backends.backend_bench import SCREEN, START_MS, EirBench, Fault

GOLDEN = Path(__file__).parent / "golden"
START_S = START_MS // 1000
SIGNER = new_signer(seed=bytes(range(32)))


def imei(number: int) -> str:
    body = f"49015420{number:06d}"
    return body + luhn_check_digit(body)


def lock(bench: EirBench, handset: str, version: int = 1, order: str = "lock-1") -> BackendAnswer:
    asked = Ref(handset=handset, order=order, version=version)
    return bench.eir.lock(asked, screen=SCREEN, not_after_ms=START_MS + DAY_MS)


def unlock(bench: EirBench, handset: str, version: int = 2) -> BackendAnswer:
    return bench.eir.unlock(Ref(handset=handset, order="lock-1", version=version))


@pytest.fixture
def bench(tmp_path: Path) -> EirBench:
    return EirBench(tmp_path / "eir")


def entry(number: int = 1, **changes: object) -> EirEntry:
    plain = EirEntry(
        imei=imei(number),
        status=ImeiStatus.BLACKLISTED,
        reason=Reason.NEVER_RECEIVED,
        case="lock-1",
        valid_from_s=START_S,
        valid_until_s=START_S + 86_400,
        seq=1,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]  # each test names real fields


def test_the_files_are_byte_for_byte_the_golden_ones(bench: EirBench) -> None:
    lock(bench, imei(2), order="lock-2")
    lock(bench, imei(1))
    bench.eir.publish()
    unlock(bench, imei(2))
    full = bench.eir.publish_full()
    written = {path.name: path.read_bytes() for path in bench.path.glob("*.csv")}
    assert written == {path.name: path.read_bytes() for path in GOLDEN.glob("*.csv")}
    assert full.raw == written["0000000002-full.csv"]


def test_a_file_is_signed_over_its_bytes_and_one_changed_byte_is_refused() -> None:
    made = publish(EirFileKind.DELTA, 1, [entry()], issuer="urn:weaklink:operator:x", at_s=START_S, signer=SIGNER)
    opened, rows = open_publication(made.raw, made.signature, SIGNER.public)
    assert (opened, rows) == (made, [entry()])
    for position in range(0, len(made.raw), 7):
        forged = made.raw[:position] + bytes([made.raw[position] ^ 1]) + made.raw[position + 1 :]
        with pytest.raises(Rejected):
            open_publication(forged, made.signature, SIGNER.public)
    with pytest.raises(Rejected):
        open_publication(made.raw, made.signature, new_signer().public)


@pytest.mark.parametrize(
    "change",
    [
        {"imei": "490154203237519"},
        {"imei": "4901542032375"},
        {"valid_until_s": START_S},
        {"valid_until_s": START_S + 101 * 86_400},
        {"case": "a,b"},
        {"case": "=1+1"},
        {"seq": 0},
    ],
)
def test_a_row_against_the_rules_is_never_written(change: dict[str, object]) -> None:
    with pytest.raises(Rejected):
        render([entry(**change)])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"imei,", b"IMEI,"),
        (b"BLACKLISTED", b"BLOCKED"),
        (b"never_received", b"because"),
        (b"Z,1\n", b"Z,01\n"),
        (b"Z,1\n", b"Z,1"),
        (b"Z,1\n", b"Z,1,\n"),
        (b"2026-", b"26-"),
        (b"lock-1", b"lock\xe9"),
        (b"\n49", b"\n\n49"),
    ],
)
def test_a_file_that_we_could_not_have_written_is_not_read(old: bytes, new: bytes) -> None:
    raw = render([entry()])
    assert old in raw
    with pytest.raises(Rejected):
        parse(raw.replace(old, new), kind=EirFileKind.DELTA)


def test_imeis_stand_once_and_in_rising_order() -> None:
    lines = render([entry(1), entry(2)]).split(b"\n")
    for wrong in ([lines[0], lines[2], lines[1], b""], [lines[0], lines[1], lines[1], b""]):
        with pytest.raises(Rejected):
            parse(b"\n".join(wrong), kind=EirFileKind.FULL)


def test_a_full_list_names_no_handset_that_is_not_on_it() -> None:
    raw = render([entry(status=ImeiStatus.WHITELISTED)])
    assert parse(raw, kind=EirFileKind.DELTA)
    with pytest.raises(Rejected):
        parse(raw, kind=EirFileKind.FULL)


@given(
    st.lists(
        st.dictionaries(
            st.integers(0, 8), st.sampled_from([ImeiStatus.BLACKLISTED, ImeiStatus.GREYLISTED, None]), max_size=4
        ),
        max_size=8,
    )
)
def test_full_list_is_the_previous_one_and_its_delta(changes: list[dict[int, ImeiStatus | None]]) -> None:
    full: dict[str, EirEntry] = {}
    plain: dict[str, ImeiStatus] = {}
    for seq, change in enumerate(changes, 1):
        rows = [entry(number, status=status or ImeiStatus.WHITELISTED, seq=seq) for number, status in change.items()]
        full = fold(full, parse(render(rows), kind=EirFileKind.DELTA))
        for number, status in change.items():
            plain.pop(imei(number), None)
            plain |= {imei(number): status} if status else {}
        assert {each.imei: each.status for each in parse(render(full.values()), kind=EirFileKind.FULL)} == plain


def test_every_full_file_of_the_backend_is_the_sum_of_its_deltas(bench: EirBench) -> None:
    listed: dict[str, EirEntry] = {}
    for step in range(12):
        handset = imei(step % 4)
        lock(bench, handset, version=2 * step + 1, order=f"lock-{step}")
        if step % 3 == 0:
            unlock(bench, handset, version=2 * step + 2)
        bench.eir.publish()
        if bench.eir.entries:
            full = bench.eir.publish_full()
            for seq in range(1, full.seq + 1):
                raw = (bench.path / f"{seq:010d}-delta.csv").read_bytes()
                listed = fold(listed, parse(raw, kind=EirFileKind.DELTA))
            assert parse(full.raw, kind=EirFileKind.FULL) == sorted(listed.values(), key=lambda each: each.imei)


def test_two_processes_give_no_number_twice_and_read_what_the_other_published(bench: EirBench) -> None:
    other = EirBench(bench.path, bench.book)
    lock(bench, imei(1))
    bench.eir.publish()
    assert set(other.eir.entries) == {imei(1)}
    made = other.eir.publish_full()
    assert bench.eir.publish_full() == made, "the whole list of this number stands already"
    lock(other, imei(2), order="lock-2")
    assert other.eir.publish() == 2
    assert set(bench.eir.entries) == {imei(1), imei(2)}
    stale = EirFolder(bench.path, bench.signer.public)
    lock(bench, imei(3), order="lock-3")
    assert bench.eir.publish() == 3
    with pytest.raises(Conflict):
        stale.write(replace(stale.delta(2), seq=3), [])
    assert stale.read("0000000003-delta.csv") == (bench.eir.folder.delta(3).raw, bench.eir.folder.delta(3).signature)


def test_nothing_was_ever_published_and_no_whole_list_stands_in_its_place(bench: EirBench) -> None:
    with pytest.raises(Conflict):
        bench.eir.publish_full()
    assert bench.eir.folder.names() == []
    with pytest.raises(NotFound):
        bench.eir.folder.read("0000000001-full.csv")


def test_a_handset_that_no_file_ever_named_is_on_no_list(bench: EirBench) -> None:
    lock(bench, imei(1))
    assert bench.eir.on_list(imei(1)) is False
    bench.eir.publish()
    assert bench.eir.on_list(imei(1)) is None, "published, and not known to be loaded"
    assert bench.eir.on_list(imei(2)) is False


def test_a_removal_goes_out_at_once_and_ahead_of_waiting_additions(bench: EirBench) -> None:
    lock(bench, imei(1))
    bench.eir.publish()
    lock(bench, imei(2), order="lock-2")
    unlock(bench, imei(1))
    assert bench.received == [1, 2]
    assert bench.loaded == {}
    assert bench.eir.publish() == 3
    assert set(bench.loaded) == {imei(2)}


def test_a_lock_that_is_released_before_publication_is_never_published(bench: EirBench) -> None:
    lock(bench, imei(1))
    unlock(bench, imei(1))
    assert bench.eir.publish() == 0
    assert bench.received == []


@pytest.mark.parametrize(
    "authority",
    [
        None,
        Authority(basis=Basis.STANDING_POLICY, text="Policy.", references=("p-1", "p-2")),
        Authority(basis=Basis.ONE_PERSON, text="One.", references=("p-1", "p-2")),
        Authority(basis=Basis.TWO_PEOPLE, text="Two.", references=("p-1",)),
        Authority(basis=Basis.TWO_PEOPLE, text="Two.", references=("p-1", "p-1")),
    ],
)
def test_an_entry_without_two_people_is_refused_when_asked_and_when_published(
    bench: EirBench, authority: Authority | None
) -> None:
    two = bench.ground
    assert two is not None
    bench.ground = None if authority is None else replace(two, authority=authority)
    with pytest.raises(Forbidden):
        lock(bench, imei(1))
    bench.eir.publish()
    bench.ground = two
    lock(bench, imei(2), order="lock-2")
    bench.ground = None if authority is None else replace(two, authority=authority)
    bench.eir.publish()
    assert bench.eir.entries == {}


def test_rows_that_no_wish_accounts_for_are_not_removed_in_a_heap(tmp_path: Path) -> None:
    bench = EirBench(tmp_path / "eir")
    for batch in range(2):
        for number in range(batch * 15, batch * 15 + 15):
            lock(bench, imei(number), order=f"lock-{number}")
        bench.eir.publish()
    assert len(bench.eir.entries) == 30
    lost = EirBench(tmp_path / "eir")
    with pytest.raises(Conflict):
        lost.eir.publish()
    assert len(lost.eir.entries) == 30


def test_a_full_list_much_shorter_than_the_last_is_refused(bench: EirBench) -> None:
    for batch in range(2):
        for number in range(batch * 15, batch * 15 + 15):
            lock(bench, imei(number), order=f"lock-{number}")
        bench.eir.publish()
    bench.eir.publish_full()
    for number in range(25):
        unlock(bench, imei(number))
    with pytest.raises(Conflict):
        bench.eir.publish_full()


def test_a_row_ends_by_itself_and_is_taken_off(bench: EirBench) -> None:
    lock(bench, imei(1))
    bench.eir.publish()
    assert {each.valid_until_s for each in bench.eir.entries.values()} == {SCREEN.deadline_s}
    bench.apply()
    assert bench.eir.state(imei(1)).applied is Applied.LOCKED
    bench.clock.at_ms = SCREEN.deadline_s * 1000
    bench.eir.publish()
    assert bench.eir.entries == {}
    assert bench.loaded == {}


def test_a_file_that_was_not_delivered_is_delivered_again_the_same_and_in_order(bench: EirBench) -> None:
    lock(bench, imei(1))
    bench.other.fault = Fault.APPLIED
    with pytest.raises(Unavailable):
        bench.eir.publish()
    first = bench.loaded.copy()
    unlock(bench, imei(1))
    assert bench.received == [1, 1, 2]
    assert first == {imei(1): "lock-1"}
    assert bench.loaded == {}


def test_a_restart_reads_the_list_from_its_own_files(bench: EirBench) -> None:
    lock(bench, imei(1))
    bench.eir.publish()
    bench.eir.publish_full()
    lock(bench, imei(2), order="lock-2")
    bench.eir.publish()
    again = EirFolder(bench.path, bench.signer.public)
    assert again.entries == bench.eir.entries
    assert (again.seq, again.delivered) == (2, 2)


def test_a_file_from_a_crash_before_its_signature_does_not_count(bench: EirBench) -> None:
    lock(bench, imei(1))
    bench.eir.publish()
    (bench.path / "0000000002-delta.csv").write_bytes(b"half a fi")
    again = EirFolder(bench.path, bench.signer.public)
    assert again.seq == 1
    bench.backend = bench.make()
    unlock(bench, imei(1))
    assert bench.received == [1, 2]


def test_a_changed_or_missing_file_stops_the_start(bench: EirBench) -> None:
    for number in range(3):
        lock(bench, imei(number), order=f"lock-{number}")
        bench.eir.publish()
    second = bench.path / "0000000002-delta.csv.cose"
    kept = second.read_bytes()
    second.unlink()
    with pytest.raises(Fatal):
        EirFolder(bench.path, bench.signer.public)
    second.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
    with pytest.raises(Fatal):
        EirFolder(bench.path, bench.signer.public)


def test_applied_is_the_operators_word_and_unknown_while_a_change_is_on_its_way(bench: EirBench) -> None:
    lock(bench, imei(1))
    bench.eir.publish()
    assert bench.eir.state(imei(1)).applied is None
    bench.eir.imported(1)
    assert bench.eir.state(imei(1)).applied is Applied.LOCKED
    unlock(bench, imei(1))
    assert bench.eir.state(imei(1)).applied is None
    bench.eir.imported(2)
    assert bench.eir.state(imei(1)).applied is Applied.UNLOCKED
    with pytest.raises(Rejected):
        bench.eir.imported(3)


def test_any_form_of_an_imei_names_the_same_row() -> None:
    forms = ("490154203237518", "49015420323751", "urn:gsma:imei:49015420-323751-0", "4901542032375103")
    assert {read_imei(form) for form in forms} == {"490154203237518"}
