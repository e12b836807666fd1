"""Whatever bytes come in: a value, or `Rejected`, and no other error."""

import contextlib
from collections.abc import Callable
from typing import Any

import cbor2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from custody.kernel import cbor, cose
from custody.kernel.errors import Rejected
from devicelock.rules.ack import open_ack
from devicelock.rules.command import CONTENT_TYPE, Op, make_command, open_command
from devicelock.rules.hello import open_hello
from devicelock.rules.ocra import ocra
from devicelock.rules.topic import read_device, read_topic
from devicelock.rules.unlock_code import read_challenge, unlock_code
from tests.rooms.devicelock.samples import DEVICE, DEVICE_SIGNER, KEYS, LOCK_SIGNER, SIGNERS, command

KEY = DEVICE_SIGNER.public
PARSERS: list[Callable[[bytes], object]] = [
    lambda raw: open_command(raw, KEYS),
    lambda raw: open_ack(raw, device=DEVICE, key=KEY),
    lambda raw: open_hello(raw, device=DEVICE, key=KEY),
]
GOOD = [make_command(command(op), SIGNERS) for op in Op]

scalars = (
    st.none() | st.booleans() | st.integers(-(2**64), 2**64 - 1) | st.floats() | st.binary(max_size=20) | st.text()
)
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.integers(0, 20) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=12,
)


def feed(raw: bytes) -> None:
    for parse in PARSERS:
        with contextlib.suppress(Rejected):
            parse(raw)


@given(st.binary(max_size=300))
def test_any_bytes(raw: bytes) -> None:
    feed(raw)


@given(st.sampled_from(GOOD), st.data())
def test_damaged_messages(good: bytes, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(good)))
    end = data.draw(st.integers(start, len(good)))
    feed(good[:start] + data.draw(st.binary(max_size=12)) + good[end:])


@given(values, values, values, values)
def test_any_four_parts_under_tag_18(first: Any, second: Any, third: Any, fourth: Any) -> None:
    feed(cbor.encode(cbor2.CBORTag(18, [first, second, third, fourth])))


@given(values)
def test_any_signed_payload(payload: Any) -> None:
    header = {cose.CONTENT_TYPE: CONTENT_TYPE, cose.CWT_CLAIMS: {1: "urn:weaklink:operator:o", 2: "x", 6: 1}}
    feed(cose.sign(header, cbor.encode(payload), LOCK_SIGNER))


@given(st.dictionaries(st.sampled_from([1, 3, 4, 15, 99, "x"]), values, max_size=6), st.binary(max_size=64))
def test_any_protected_header(header: dict[Any, Any], payload: bytes) -> None:
    feed(cbor.encode(cbor2.CBORTag(18, [cbor.encode(header), {}, payload, bytes(64)])))


@given(st.text(max_size=100) | st.from_regex(r"dl/v1/[^/]{0,70}/(cmd|ack|hello|status)"))
def test_any_topic_and_name(text: str) -> None:
    for parse in (read_topic, read_device):
        with contextlib.suppress(Rejected):
            parse(text)


@given(st.text(max_size=40))
def test_any_question_and_suite(text: str) -> None:
    with contextlib.suppress(Rejected):
        unlock_code(bytes(32), text, pair=(1, 1))
    with contextlib.suppress(Rejected):
        read_challenge(text)
    with contextlib.suppress(Rejected):
        ocra(text, bytes(32), question="1")
    with pytest.raises(Rejected):
        ocra("OCRA-1:HOTP-SHA256-8:QN08", bytes(32), question=text + "x")
