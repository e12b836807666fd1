"""What the service does whenever it has connected to its broker."""

import threading
from pathlib import Path

import pytest

from api import compose
from api.settings import read_settings

SOON_S = 60.0


def test_at_every_connect_what_has_no_answer_is_offered_again_though_the_broker_knows_us(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second time the broker still holds our session; it may all the same have dropped what it held too long."""
    offered = threading.Event()
    monkeypatch.setattr(compose, "offer_again", lambda _unit, _office: offered.set())
    parts = compose.compose(read_settings(data=tmp_path))
    assert parts.broker is not None
    parts.broker.start()
    for _ in range(2):
        transport, relay = compose.connect(parts)
        relay.thread.start()
        assert transport.start(wait_s=SOON_S)
        assert offered.wait(SOON_S)
        offered.clear()
        transport.stop()
        relay.thread.stop()
    parts.broker.stop()
    parts.engine.dispose()
