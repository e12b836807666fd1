"""The services of one log are at one broker: the database names it, and moving it is said."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.compose import compose
from api.parts import Parts
from api.process.data_folder import alone_at_broker, hold_broker
from api.process.one_anchor import ANCHOR
from api.settings import read_settings
from custody.kernel.errors import Conflict
from tests.doors.command_line import CommandLine

HERE, THERE = "mqtt.here.example:1883", "mqtt.there.example:1883"
Start = Callable[..., Parts]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Lend a way to put services with one database, the same keys and one anchor together."""
    made: list[Parts] = []
    (tmp_path / "outside").mkdir()

    def run(name: str, *, lock: Any = None, **given: Any) -> Parts:
        if made and not (tmp_path / name).exists():
            shutil.copytree(made[0].settings.data / "keys", tmp_path / name / "keys")
        database, outside = f"sqlite:///{tmp_path / 'log.db'}", tmp_path / "outside"
        settings = read_settings(data=tmp_path / name, database_url=database, kept_outside=outside, **given)
        made.append(compose(settings, broker_lock=lock))
        return made[-1]

    yield run
    for parts in made:
        parts.backends.close()
        parts.engine.dispose()


def at(name: str) -> dict[str, Any]:
    host, _, port = name.partition(":")
    return {"mqtt_host": host, "mqtt_port": int(port)}


@pytest.mark.parametrize("other", [at(THERE), at("mqtt.here.example:8883"), {}])
def test_a_second_service_at_another_broker_is_refused_and_told_both_ways_out(
    start: Start, tmp_path: Path, other: dict[str, Any]
) -> None:
    start("one", **at(HERE))
    before = (tmp_path / "outside" / ANCHOR / "locks.txt").read_bytes()
    with pytest.raises(Conflict, match=HERE) as refused:
        start("other", **other)
    assert f"WEAKLINK_MQTT_MOVED_FROM={HERE}" in refused.value.fix
    assert f"WEAKLINK_MQTT_NAME={HERE}" in refused.value.fix
    assert (tmp_path / "outside" / ANCHOR / "locks.txt").read_bytes() == before, "no epoch began"
    start("other", mqtt_host="MQTT.here.example")


def test_one_broker_under_two_addresses_has_one_name(start: Start) -> None:
    start("one", **at(HERE), mqtt_name="central")
    start("other", **at("127.0.0.1:1883"), mqtt_name="central")
    with pytest.raises(Conflict, match="central"):
        start("other", **at(HERE))


def test_a_broker_that_takes_the_place_of_another_is_the_one_from_then_on(start: Start) -> None:
    start("one", **at(HERE))
    with pytest.raises(Conflict, match=HERE):
        start("one", **at(THERE), mqtt_moved_from="mqtt.elsewhere.example:1883")
    for _ in range(2):
        start("one", **at(THERE), mqtt_moved_from=HERE)
    with pytest.raises(Conflict, match=THERE):
        start("other", **at(HERE), mqtt_moved_from=HERE)
    start("one", mqtt_moved_from=THERE)
    start("one", **at(HERE))


def test_a_service_that_was_alone_with_the_embedded_broker_goes_to_another_one(start: Start) -> None:
    start("one")
    start("one", **at(HERE))
    with pytest.raises(Conflict, match="embedded"):
        start("one")


def test_a_broker_is_not_moved_while_another_service_runs_at_it(start: Start, tmp_path: Path) -> None:
    folder = tmp_path / "outside" / ANCHOR
    start("one", **at(HERE))
    with (
        hold_broker(folder, embedded=False),
        hold_broker(folder, embedded=False) as mine,
        pytest.raises(Conflict, match="another service of this log runs"),
    ):
        start("other", lock=mine, **at(THERE), mqtt_moved_from=HERE)
    with hold_broker(folder, embedded=False) as mine:
        start("other", lock=mine, **at(THERE), mqtt_moved_from=HERE)
        hold_broker(folder, embedded=False).close()


def test_who_could_not_move_a_broker_holds_it_as_before(tmp_path: Path) -> None:
    with hold_broker(tmp_path, embedded=False) as mine:
        with pytest.raises(OSError, match="no database"), alone_at_broker(mine, embedded=False):
            raise OSError("no database")
        hold_broker(tmp_path, embedded=False).close()


def test_who_is_not_alone_at_a_broker_holds_it_as_before(tmp_path: Path) -> None:
    with hold_broker(tmp_path, embedded=False) as mine:
        with hold_broker(tmp_path, embedded=False), pytest.raises(Conflict), alone_at_broker(mine, embedded=False):
            pass
        with pytest.raises(Conflict):
            hold_broker(tmp_path, embedded=True)


def test_whoever_serves_at_another_broker_is_told_in_two_lines(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start("d", **at(HERE))
    monkeypatch.setenv("WEAKLINK_KEPT_OUTSIDE", str(tmp_path / "outside"))
    monkeypatch.setenv("WEAKLINK_DATABASE_URL", f"sqlite:///{tmp_path / 'log.db'}")
    monkeypatch.setenv("WEAKLINK_MQTT_HOST", "mqtt.there.example")
    ended = CommandLine(address="", folder=tmp_path).run("serve", "--port", "0", "--data", "d", expect=1)
    what, fix = ended.err.splitlines()
    assert HERE in what
    assert THERE in what
    assert f"WEAKLINK_MQTT_MOVED_FROM={HERE}" in fix
    assert ended.out == ""
