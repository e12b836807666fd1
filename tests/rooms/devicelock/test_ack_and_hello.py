from typing import Any

import pytest

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from devicelock.rules.ack import Ack, AckResult, make_ack, open_ack
from devicelock.rules.applied import Applied
from devicelock.rules.hello import Hello, SimClass, StateCause, make_hello, open_hello
from tests.rooms.devicelock.samples import DEVICE, DEVICE_SIGNER, NOW_S, OTHER_SIGNER, hello

KEY = DEVICE_SIGNER.public
ACK = Ack(
    command_id="cmd-1", device=DEVICE, applied=Applied.LOCKED, epoch=1, counter=1, result=AckResult.APPLIED, at_s=NOW_S
)


@pytest.mark.parametrize("applied", list(Applied))
@pytest.mark.parametrize("result", list(AckResult))
def test_an_ack_opens_to_what_was_signed(applied: Applied, result: AckResult) -> None:
    ack = Ack(command_id="c", device=DEVICE, applied=applied, epoch=0, counter=7, result=result, at_s=NOW_S)
    assert open_ack(make_ack(ack, DEVICE_SIGNER), device=DEVICE, key=KEY) == ack


@pytest.mark.parametrize("sim", list(SimClass))
@pytest.mark.parametrize("cause", list(StateCause))
@pytest.mark.parametrize(("country", "network"), [("GB", "23415"), ("US", "310260"), ("GB", None), (None, None)])
def test_a_hello_opens_to_what_was_signed(
    sim: SimClass, cause: StateCause, country: str | None, network: str | None
) -> None:
    said = hello(sim=sim, cause=cause, country=country, network=network)
    assert open_hello(make_hello(said, DEVICE_SIGNER), device=DEVICE, key=KEY) == said


def test_an_ack_is_not_a_hello_and_a_hello_is_not_an_ack() -> None:
    with pytest.raises(Rejected, match="content type"):
        open_hello(make_ack(ACK, DEVICE_SIGNER), device=DEVICE, key=KEY)
    with pytest.raises(Rejected, match="content type"):
        open_ack(make_hello(hello(), DEVICE_SIGNER), device=DEVICE, key=KEY)


def test_a_device_speaks_only_on_its_own_topic() -> None:
    with pytest.raises(Rejected) as refused:
        open_ack(make_ack(ACK, DEVICE_SIGNER), device="dev-2", key=KEY)
    assert refused.value.code == "device"
    with pytest.raises(Rejected) as refused:
        open_hello(make_hello(hello(), DEVICE_SIGNER), device="dev-2", key=KEY)
    assert refused.value.code == "device"


def test_an_answer_by_another_key_is_refused() -> None:
    with pytest.raises(Rejected, match="the header names a key"):
        open_ack(make_ack(ACK, OTHER_SIGNER), device=DEVICE, key=KEY)
    with pytest.raises(Rejected, match="the header names a key"):
        open_hello(make_hello(hello(), OTHER_SIGNER), device=DEVICE, key=KEY)


def test_every_flipped_byte_of_an_answer_is_refused() -> None:
    for raw in (make_ack(ACK, DEVICE_SIGNER), make_hello(hello(), DEVICE_SIGNER)):
        for place in range(len(raw)):
            broken = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
            with pytest.raises(Rejected):
                open_ack(broken, device=DEVICE, key=KEY)
            with pytest.raises(Rejected):
                open_hello(broken, device=DEVICE, key=KEY)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": b"short"},
        {"client": ""},
        {"client": "x" * 41},
        {"country": "gb"},
        {"country": "GBR"},
        {"network": "2341"},
        {"network": "2341555"},
        {"network": "O2-UK"},
    ],
)
def test_a_hello_that_breaks_the_format_is_refused(changes: dict[str, Any]) -> None:
    said: Hello = hello(**changes)
    with pytest.raises(Rejected):
        open_hello(make_hello(said, DEVICE_SIGNER), device=DEVICE, key=KEY)


def test_a_hello_says_what_the_format_knows_and_nothing_more() -> None:
    message = cose.parse(make_hello(hello(), DEVICE_SIGNER))
    header = {label: kept for label, kept in message.protected.items() if label not in {cose.ALG, cose.KID}}

    def said(**more: str) -> bytes:
        return cose.sign(header, cbor.encode({**cbor.decode(message.payload or b""), **more}), DEVICE_SIGNER)

    assert open_hello(said(), device=DEVICE, key=KEY) == hello()
    with pytest.raises(Rejected, match="model"):
        open_hello(said(model="x"), device=DEVICE, key=KEY)
