"""The examples that the RFCs of our formats print: what is in them is read and written as it stands there."""

import hashlib
import math

import pytest
from cbor2 import CBORTag

from custody.gs1.named_information import read_ni, write_ni
from custody.kernel import cbor
from custody.kernel.errors import Rejected
from custody.kernel.keys import read_cose_key

NUMBERS = {
    "00": 0,
    "01": 1,
    "0a": 10,
    "17": 23,
    "1818": 24,
    "1819": 25,
    "1864": 100,
    "1903e8": 1000,
    "1a000f4240": 1_000_000,
    "1b000000e8d4a51000": 1_000_000_000_000,
    "1bffffffffffffffff": 2**64 - 1,
    "c249010000000000000000": 2**64,
    "3bffffffffffffffff": -(2**64),
    "c349010000000000000000": -(2**64) - 1,
    "20": -1,
    "29": -10,
    "3863": -100,
    "3903e7": -1000,
    "f90000": 0.0,
    "f98000": -0.0,
    "f93c00": 1.0,
    "fb3ff199999999999a": 1.1,
    "f93e00": 1.5,
    "f97bff": 65504.0,
    "fa47c35000": 100_000.0,
    "fa7f7fffff": 3.4028234663852886e38,
    "fb7e37e43c8800759c": 1.0e300,
    "f90001": 5.960464477539063e-8,
    "f90400": 0.00006103515625,
    "f9c400": -4.0,
    "fbc010666666666666": -4.1,
    "f97c00": math.inf,
    "f9fc00": -math.inf,
}
OTHERS = {
    "f4": False,
    "f5": True,
    "f6": None,
    "c074323031332d30332d32315432303a30343a30305a": CBORTag(0, "2013-03-21T20:04:00Z"),
    "c11a514b67b0": CBORTag(1, 1_363_896_240),
    "c1fb41d452d9ec200000": CBORTag(1, 1_363_896_240.5),
    "d74401020304": CBORTag(23, bytes.fromhex("01020304")),
    "d818456449455446": CBORTag(24, bytes.fromhex("6449455446")),
    "d82076687474703a2f2f7777772e6578616d706c652e636f6d": CBORTag(32, "http://www.example.com"),
    "40": b"",
    "4401020304": bytes.fromhex("01020304"),
    "60": "",
    "6161": "a",
    "6449455446": "IETF",
    "62225c": '"\\',
    "62c3bc": "\u00fc",
    "63e6b0b4": "\u6c34",
    "64f0908591": "\U00010151",
    "80": [],
    "83010203": [1, 2, 3],
    "8301820203820405": [1, [2, 3], [4, 5]],
    "98190102030405060708090a0b0c0d0e0f101112131415161718181819": list(range(1, 26)),
    "a0": {},
    "a201020304": {1: 2, 3: 4},
    "a26161016162820203": {"a": 1, "b": [2, 3]},
    "826161a161626163": ["a", {"b": "c"}],
    "a56161614161626142616361436164614461656145": {"a": "A", "b": "B", "c": "C", "d": "D", "e": "E"},
}
OTHER_SPELLINGS = """
fa7f800000 fa7fc00000 faff800000 fb7ff0000000000000 fb7ff8000000000000 fbfff0000000000000 5f42010243030405ff
7f657374726561646d696e67ff 9fff 9f018202039f0405ffff 9f01820203820405ff 83018202039f0405ff 83019f0203ff820405
9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff bf61610161629f0203ffff 826161bf61626163ff
bf6346756ef563416d7421ff
"""
NOT_USED_HERE = "f7 f0 f818 f8ff"


@pytest.mark.parametrize(("raw", "value"), [*NUMBERS.items(), *OTHERS.items()])
def test_the_examples_of_rfc_8949_appendix_a_are_read_and_written_as_there(raw: str, value: object) -> None:
    read = cbor.decode(bytes.fromhex(raw))
    assert (type(read), read, repr(read)) == (type(value), value, repr(value))
    assert cbor.encode(value).hex() == raw


def test_the_number_that_is_none_is_read_and_written_as_in_appendix_a() -> None:
    assert math.isnan(cbor.decode(bytes.fromhex("f97e00")))
    assert cbor.encode(math.nan).hex() == "f97e00"


@pytest.mark.parametrize("raw", [*OTHER_SPELLINGS.split(), *NOT_USED_HERE.split()])
def test_the_other_spellings_of_appendix_a_and_what_is_not_used_here_are_refused(raw: str) -> None:
    with pytest.raises(Rejected, match="not deterministic CBOR"):
        cbor.decode(bytes.fromhex(raw))


def test_every_example_of_appendix_a_is_accounted_for() -> None:
    assert len({*NUMBERS, *OTHERS, "f97e00", *OTHER_SPELLINGS.split(), *NOT_USED_HERE.split()}) == 82


def test_the_thumbprint_of_rfc_9679_names_its_key() -> None:
    key = read_cose_key(
        {
            1: 2,
            -1: 1,
            -2: bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d"),
            -3: bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c"),
        }
    )
    assert key.kid.hex() == "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"


def test_the_digest_of_rfc_6920_section_8_is_written_and_read_as_there() -> None:
    uri, digest = "ni:///sha-256;f4OxZX_x_FO5LcGBSKHWXfwtSx-j1ncoSt3SABJtkGk", hashlib.sha256(b"Hello World!").digest()
    assert (write_ni(digest), read_ni(uri)) == (uri, digest)
