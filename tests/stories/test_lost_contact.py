"""Whom the service cannot reach, its broker or a witness: people are told of it once each time, and not of a blink."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from api.compose import compose, free_port
from api.rounds import lost_contact
from api.rounds.lost_contact import BROKER_S, Contact, LostContact
from api.settings import read_settings
from custody.kernel.keys import new_signer
from custody.ledger.note import SignatureKind, text_key
from devicelock.rules.alert_kind import AlertKind
from tests.servers.witness import until
from tests.stories.http_service import Service, running_service
from tests.world import World


class Watch:
    """A watch of a world's service over its broker, with seconds of its own."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seconds, self.connected = 0.0, True
        broker = Contact(
            kind=AlertKind.BROKER_AWAY,
            after_s=BROKER_S,
            trouble=lambda: "" if self.connected else "there is no connection",
            means="No lock leaves.",
        )
        self.lost = LostContact({"the broker": broker}, count_s=lambda: self.seconds)

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


def alerts(house: Service) -> list[dict[str, Any]]:
    headers = {"authorization": f"Bearer {house.token('supervisor-1')}"}
    found: list[dict[str, Any]] = httpx.get(f"{house.address}/v1/alerts", headers=headers).json()["alerts"]
    return found


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

    def count(act: object) -> bool:
        told.append(act)
        return True

    for connected in (False, False, True, False):
        watch.connected = connected
        watch.lost.look(count)
        watch.seconds += BROKER_S
        watch.lost.look(count)
    assert len(told) == 2


def test_what_could_not_be_written_down_is_told_at_the_next_look(world: World) -> None:
    watch = Watch(world)
    watch.connected = False
    watch.lost.look(watch.attempt)
    watch.seconds = BROKER_S
    watch.lost.look(lambda _act: False)
    assert watch.after(0) == ["broker_away"]


@pytest.fixture
def _told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for wait in ("BROKER_S", "WITNESS_S"):
        monkeypatch.setattr(lost_contact, wait, 1.0)


@pytest.mark.usefixtures("_told_at_once")
def test_a_service_whose_broker_is_gone_says_so_where_people_look(tmp_path: Path) -> None:
    """Without that a lock waits, and nobody hears of it."""
    port = free_port()
    with running_service(tmp_path / "data", mqtt_host="127.0.0.1", mqtt_port=port) as house:
        (alert,) = until(lambda: alerts(house))
    assert (alert["kind"], alert["about"]) == ("broker_away", f"the broker at 127.0.0.1:{port}")
    assert "see that it runs" in alert["detail"]


@pytest.mark.usefixtures("_told_at_once")
def test_a_service_whose_witness_is_gone_says_so_with_what_it_answered(tmp_path: Path) -> None:
    data, policy, port = tmp_path / "data", tmp_path / "policy", free_port()
    parts = compose(read_settings(data=data))
    log = text_key(parts.house.origin, parts.keyring.log.public).vkey()
    parts.backends.close()
    parts.engine.dispose()
    key = text_key("carrier.example/w1", new_signer().public, kind=SignatureKind.ED25519_COSIGNATURE).vkey()
    policy.write_text(f"log {log}\nwitness carrier {key} http://127.0.0.1:{port}\nquorum carrier\n")
    with running_service(data, witness_policy=policy) as house:
        (alert,) = until(lambda: alerts(house))
    assert (alert["kind"], alert["about"]) == ("witness_away", "the witness carrier")
    assert "ConnectError" in alert["detail"]
