"""Whom the service cannot reach, its broker or a witness: people are told of it once each time, and not of a blink."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import pytest

from api.compose import free_port
from api.rounds import lost_contact
from api.rounds.lost_contact import BROKER_S, WITNESS_S, LostContact, contacts
from tests.servers.witness import until
from tests.stories.http_service import running_service
from tests.world import World


class Watch:
    """A watch of a world's service over a broker and a witness, with seconds of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds, self.connected = 0.0, True
        self.witness = SimpleNamespace(keys={"carrier.example/w1": None}, trouble="")
        parts: Any = SimpleNamespace(
            broker=None,
            settings=SimpleNamespace(mqtt_host="mqtt.example", mqtt_port=8883),
            witnesses=SimpleNamespace(desks=(self.witness,)),
        )
        found = contacts(parts, is_connected=lambda: self.connected)
        self.lost = LostContact(found, count_s=lambda: self.seconds)

    def attempt(self, act: Any) -> bool:
        with self.world.house.unit() as unit:
            act(unit)
        return True

    def after(self, seconds: float) -> list[str]:
        """The alerts that wait to be seen, once so much time has passed."""
        self.lost.look(self.attempt)
        self.seconds += seconds
        self.lost.look(self.attempt)
        return self.world.alerts()


def test_people_are_told_of_a_broker_that_is_away_for_a_minute_and_not_of_a_blink(world: World) -> None:
    watch = Watch(world)
    watch.connected = False
    assert watch.after(BROKER_S - 1) == []
    watch.connected = True
    assert watch.after(BROKER_S) == []
    watch.connected = False
    assert watch.after(BROKER_S) == ["broker_away"]


def test_a_broker_that_stays_away_is_told_of_once_and_one_that_goes_again_once_more(world: World) -> None:
    watch = Watch(world)
    told: list[object] = []
    watch.attempt = lambda act: bool(told.append(act)) or True  # type: ignore[method-assign]  # counted alone
    for connected in (False, False, True, False):
        watch.connected = connected
        watch.after(BROKER_S)
    assert len(told) == 2


def test_what_could_not_be_written_down_is_told_at_the_next_look(world: World) -> None:
    watch = Watch(world)
    watch.connected = False
    watch.lost.look(watch.attempt)
    watch.seconds = BROKER_S
    watch.lost.look(lambda _act: False)
    assert watch.after(0) == ["broker_away"]


def test_people_are_told_what_a_witness_that_refuses_has_answered(world: World) -> None:
    watch = Watch(world)
    watch.witness.trouble = "it answered 422"
    assert watch.after(WITNESS_S) == ["witness_away"]


def test_a_service_whose_broker_is_gone_says_so_where_people_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without that a lock waits, and nobody hears of it."""
    monkeypatch.setattr(lost_contact, "BROKER_S", 1.0)
    port = free_port()
    with running_service(tmp_path / "data", mqtt_host="127.0.0.1", mqtt_port=port) as house:
        headers = {"authorization": f"Bearer {house.token('supervisor-1')}"}

        def alerts() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = httpx.get(f"{house.address}/v1/alerts", headers=headers).json()["alerts"]
            return found

        (alert,) = until(alerts)
    assert (alert["kind"], alert["about"]) == ("broker_away", f"the broker at 127.0.0.1:{port}")
    assert "see that it runs" in alert["detail"]
