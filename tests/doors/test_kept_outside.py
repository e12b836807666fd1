"""What no backup takes back is one for all services of a log: the registry of retired handsets, and the newest head."""

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from api.compose import compose
from api.parts import Parts
from api.process.data_folder import hold_broker
from api.process.one_anchor import ANCHOR
from api.settings import read_settings
from custody.kernel import cose
from custody.kernel.errors import Conflict, Fatal, Rejected
from custody.ledger.statements import read_policy
from custody.store.bulk import add
from custody.store.policy_book import newest_policy
from custody.usecases.open_log import put_policy, rules_in_force
from devicelock.store import CommandRow
from tests.doors.command_line import CommandLine

Start = Callable[..., Parts]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Lend a way to put services with one database and the same keys together."""
    made: list[Parts] = []

    def run(name: str, *, kept_outside: Path | None) -> Parts:
        database = f"sqlite:///{tmp_path / 'log.db'}"
        if made and not (tmp_path / name).exists():
            shutil.copytree(made[0].settings.data / "keys", tmp_path / name / "keys")
        settings = read_settings(data=tmp_path / name, database_url=database, kept_outside=kept_outside)
        made.append(compose(settings))
        return made[-1]

    yield run
    for parts in made:
        parts.backends.close()
        parts.engine.dispose()


def test_a_handset_that_one_service_retired_is_retired_for_another_on_the_same_database(
    start: Start, tmp_path: Path
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    one, other = (start(name, kept_outside=shared) for name in ("one", "other"))
    one.locks.anchor.retire("dev")
    assert other.locks.anchor.of("dev").retired
    assert sorted(path.name for path in shared.iterdir()) == ["anchor", "heads"]
    assert {"anchor", "heads"}.isdisjoint(path.name for path in (tmp_path / "one").iterdir())


def test_a_shared_folder_that_is_not_there_is_refused_and_not_made(start: Start, tmp_path: Path) -> None:
    with pytest.raises(Rejected, match="no folder"):
        start("one", kept_outside=tmp_path / "shared")
    assert list(tmp_path.iterdir()) == []


def test_a_registry_that_would_be_left_behind_is_refused(start: Start, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    start("one", kept_outside=None).locks.anchor.retire("dev")
    with pytest.raises(Rejected, match="would not be read"):
        start("one", kept_outside=shared)
    (tmp_path / "one" / "anchor").rename(shared / "anchor")
    assert start("one", kept_outside=shared).locks.anchor.of("dev").retired


def test_a_service_alone_keeps_them_in_its_data_folder(start: Start, tmp_path: Path) -> None:
    start("one", kept_outside=None)
    name, epoch = lines(tmp_path / "one")
    assert (name.startswith("anchor anchor_"), epoch) == (True, "epoch 1")
    start("one", kept_outside=tmp_path / "one")
    assert lines(tmp_path / "one") == [name, "epoch 1", "epoch 2"]


def lines(folder: Path) -> list[str]:
    """What stands in the anchor of a service, or of several."""
    return (folder / "anchor" / "locks.txt").read_text().splitlines()


def named(parts: Parts) -> str | None:
    with parts.house.unit() as unit:
        return rules_in_force(unit).get(ANCHOR)


def name_none(parts: Parts) -> None:
    """As in a log that was begun before logs named their anchor."""
    with parts.house.unit() as unit:
        before = read_policy(newest_policy(unit.session)).policy
        rules = {name: value for name, value in before.rules.items() if name != ANCHOR}
        previous = cose.parse(newest_policy(unit.session)).digest
        put_policy(parts.house, unit, replace(before, version=before.version + 1, previous=previous, rules=rules))


def sign_a_lock(parts: Parts) -> None:
    row = {"id": "cmd_1", "order": "lock_1", "device": "dev", "op": "lock", "raw": b"", "issued_ms": 0}
    with parts.house.unit() as unit:
        add(unit.session, CommandRow, [row])


def test_a_second_service_with_another_anchor_does_not_start_and_with_that_of_the_log_it_does(
    start: Start, tmp_path: Path
) -> None:
    start("one", kept_outside=None)
    with pytest.raises(Fatal, match="which handsets are retired") as refused:
        start("other", kept_outside=None)
    assert "WEAKLINK_KEPT_OUTSIDE" in refused.value.fix
    assert list((tmp_path / "other" / "anchor").iterdir()) == [], "it has put nothing there"
    shared = tmp_path / "shared"
    shared.mkdir()
    (tmp_path / "one" / "anchor").rename(shared / "anchor")
    for name in ("one", "other"):
        start(name, kept_outside=shared)


def test_an_anchor_to_which_the_lines_of_the_logs_own_were_added_is_its_own_too(start: Start, tmp_path: Path) -> None:
    one = start("one", kept_outside=None)
    one.locks.anchor.retire("dev")
    shared = tmp_path / "shared"
    (shared / "anchor").mkdir(parents=True)
    (shared / "anchor" / "locks.txt").write_text(
        "\n".join(["anchor anchor_x", "epoch 7", *lines(tmp_path / "one"), ""])
    )
    shutil.rmtree(tmp_path / "one" / "anchor")
    assert start("one", kept_outside=shared).locks.anchor.of("dev").retired
    assert lines(shared)[-1] == "epoch 8"


@pytest.mark.parametrize("from_before", [True, False])
def test_an_anchor_that_is_missing_beside_a_log_that_has_locked_is_not_made_anew(
    start: Start, tmp_path: Path, *, from_before: bool
) -> None:
    one = start("one", kept_outside=None)
    if from_before:
        name_none(one)
    sign_a_lock(one)
    (tmp_path / "one" / "anchor" / "locks.txt").unlink()
    with pytest.raises(Fatal, match="is missing") as refused:
        start("one", kept_outside=None)
    assert not (tmp_path / "one" / "anchor" / "locks.txt").exists()
    (line,) = re.findall(r"`(anchor \S+)`", refused.value.fix)
    (tmp_path / "one" / "anchor" / "locks.txt").write_text(f"{line}\n")
    assert named(start("one", kept_outside=None)) == line.removeprefix("anchor ")


def test_a_log_and_an_anchor_from_before_are_named_at_the_next_start(start: Start, tmp_path: Path) -> None:
    one = start("one", kept_outside=None)
    name_none(one)
    sign_a_lock(one)
    (tmp_path / "one" / "anchor" / "locks.txt").write_text("epoch 3\nretired dev\n")
    name = named(start("one", kept_outside=None))
    assert lines(tmp_path / "one") == ["epoch 3", "retired dev", f"anchor {name}", "epoch 4"]
    with pytest.raises(Fatal, match="which handsets are retired"):
        start("other", kept_outside=None)


@pytest.mark.parametrize(("first", "second"), [(True, True), (True, False), (False, True), (False, False)])
def test_services_of_one_log_run_side_by_side_only_at_a_broker_of_all(
    tmp_path: Path, *, first: bool, second: bool
) -> None:
    with hold_broker(tmp_path / "anchor", embedded=first):
        if first or second:
            with pytest.raises(Conflict, match="embedded") as refused:
                hold_broker(tmp_path / "anchor", embedded=second)
            assert "WEAKLINK_MQTT_HOST" in refused.value.fix
        else:
            hold_broker(tmp_path / "anchor", embedded=second).close()
    hold_broker(tmp_path / "anchor", embedded=second).close()


def test_a_service_that_starts_with_the_embedded_broker_beside_another_of_its_log_is_told_in_two_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    monkeypatch.setenv("WEAKLINK_KEPT_OUTSIDE", str(shared))
    with hold_broker(shared / ANCHOR, embedded=False):
        ended = CommandLine(address="", folder=tmp_path).run("serve", "--port", "0", "--data", "d", expect=1)
    what, fix = ended.err.splitlines()
    assert "this one has the embedded broker" in what
    assert "WEAKLINK_MQTT_HOST" in fix
    assert ended.out == ""
