"""The IMEI list where much waits, and where the operator has lost what it had loaded."""

from dataclasses import replace
from pathlib import Path

import pytest

from custody.kernel.clock import DAY_MS
from devicelock.backends.contract import BackendAnswer, Ref
from devicelock.backends.eir_list import EirFileKind, Limits, parse
from devicelock.rules.applied import Applied
from tests.contracts_backends.backend_bench import SCREEN, EirBench
from tests.contracts_backends.test_eir import imei, lock, unlock


@pytest.fixture
def bench(tmp_path: Path) -> EirBench:
    return EirBench(tmp_path / "eir")


def test_many_additions_go_out_in_portions_the_oldest_first_and_keep_no_release_waiting(bench: EirBench) -> None:
    lock(bench, imei(0))
    bench.eir.publish()
    numbers = [*range(1, 2 * Limits().least + 2)]
    for number in reversed(numbers):
        bench.clock.at_ms += 1
        asked = Ref(handset=imei(number), order=f"lock-{number}", version=1)
        bench.eir.lock(asked, screen=SCREEN, not_after_ms=bench.clock.at_ms + DAY_MS)
    bench.eir.publish()
    oldest = numbers[-Limits().least :]
    assert set(bench.loaded) == {imei(0), *(imei(number) for number in oldest)}
    assert unlock(bench, imei(0)) is BackendAnswer.TAKEN
    assert imei(0) not in bench.loaded, "a release does not wait for those that wait"
    for left in (1, 0, 0):
        bench.eir.publish()
        assert len(numbers) - len(bench.loaded) == left
    assert bench.received == [1, 2, 3, 4, 5], "what stands already is not published again"
    assert parse(bench.eir.publish_full().raw, kind=EirFileKind.FULL)


def test_a_list_that_has_grown_in_portions_is_published_whole(bench: EirBench) -> None:
    lock(bench, imei(0))
    bench.eir.publish()
    bench.eir.publish_full()
    for number in range(1, 2 * Limits().least + 1):
        lock(bench, imei(number), order=f"lock-{number}")
    for _ in range(2):
        bench.eir.publish()
    assert len(parse(bench.eir.publish_full().raw, kind=EirFileKind.FULL)) == 2 * Limits().least + 1


def test_removals_go_out_in_a_file_of_their_own_ahead_of_a_portion(bench: EirBench) -> None:
    lock(bench, imei(0))
    bench.eir.publish()
    late = replace(SCREEN, deadline_s=SCREEN.deadline_s + 86_400)
    for number in range(1, Limits().least + 2):
        ref = Ref(handset=imei(number), order=f"lock-{number}", version=1)
        bench.eir.lock(ref, screen=late, not_after_ms=late.deadline_s * 1000)
    bench.clock.at_ms = SCREEN.deadline_s * 1000
    bench.eir.publish()
    assert imei(0) not in bench.loaded
    assert bench.received == [1, 2, 3]
    assert len(bench.loaded) == Limits().least


def test_an_operator_that_went_back_to_a_backup_says_so_and_gets_what_is_missing_again(bench: EirBench) -> None:
    for number in (1, 2):
        lock(bench, imei(number), order=f"lock-{number}")
        bench.eir.publish()
    backup = bench.loaded.copy()
    unlock(bench, imei(1))
    bench.eir.imported(3)
    assert bench.eir.state(imei(1)).applied is Applied.UNLOCKED
    bench.loaded = backup
    bench.eir.imported(2)
    assert bench.eir.state(imei(1)).applied is None, "it may be blocked there again"
    bench.eir.publish()
    assert bench.received == [1, 2, 3, 3]
    assert set(bench.loaded) == {imei(2)}
    bench.eir.imported(3)
    assert bench.eir.state(imei(1)).applied is Applied.UNLOCKED
    bench.eir.publish()
    assert bench.received == [1, 2, 3, 3], "a word that goes up brings nothing twice"
