"""How often a connection's thread wakes by itself."""

import pytest

from devicelock.mqtt_options import MqttOptions


@pytest.mark.parametrize("keepalive_s", [5, 15, 60, 300, 3600])
def test_a_calm_connection_wakes_seldom_and_still_pings_before_the_broker_gives_it_up(keepalive_s: int) -> None:
    options = MqttOptions(host="localhost", port=1, client_id="calm", keepalive_s=keepalive_s)
    assert options.turn_s >= keepalive_s / 15
    # MQTT 5 section 3.1.2.10: a server closes after one and a half times the keep-alive.
    assert keepalive_s + options.turn_s < 1.5 * keepalive_s
    assert options.turn_s < options.silence_s
