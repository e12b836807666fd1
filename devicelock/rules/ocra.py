"""OCRA, the challenge and response of OATH (RFC 6287).

The function is HOTP over `suite | 0x00 | C | Q | P | T` (section 5.1): counter 8 bytes; a numeric question as the
number in hexadecimal, left-aligned and padded with zeros to 128 bytes; PIN as its hash; time step 8 bytes. Leading
zeros of the answer stay. A time step is 1 to 59 seconds or minutes, or 0 to 48 hours (section 6.3). Suites with session
data (S) or alphanumeric and hexadecimal questions are not used here and are refused.
"""

import hmac
import re

from custody.kernel.errors import Rejected

_SUITE = re.compile(
    r"OCRA-1:HOTP-SHA(?P<hash>1|256|512)-(?P<digits>[4-9]|10):"
    r"(?P<counter>C-)?QN(?P<question>0[4-9]|[1-5][0-9]|6[0-4])(?:-PSHA(?P<pin>1|256|512))?"
    r"(?P<time>-T(?:[1-5]?[1-9]|[1-5]0)[SM]|-T(?:[1-3]?[0-9]|4[0-8])H)?",
    re.ASCII,
)
_QUESTION_BYTES = 128


def ocra(
    suite: str,
    key: bytes,
    *,
    question: str,
    counter: int | None = None,
    pin_hash: bytes | None = None,
    time_step: int | None = None,
) -> str:
    """The answer by RFC 6287 section 5; raises `Rejected("suite")` or `Rejected("question")`."""
    form = _SUITE.fullmatch(suite)
    if form is None:
        raise Rejected("suite", f"{suite!r} is not a suite we compute", fix="Name one of RFC 6287 section 6.")
    if len(question) > int(form["question"]):
        raise Rejected("question", "the question is longer than the suite allows", fix="Read the digits again.")
    data = suite.encode() + b"\x00"
    data += _field(form["counter"], counter, "counter")
    data += _pack_question(question)
    data += _pin(form["pin"], pin_hash)
    data += _field(form["time"], time_step, "time step")
    digest = hmac.new(key, data, f"sha{form['hash']}").digest()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    length = int(form["digits"])
    return str(number % 10**length).zfill(length)


def _pack_question(question: str) -> bytes:
    if not question.isascii() or not question.isdigit():
        raise Rejected("question", "the question is not a number", fix="Send digits only.")
    text = f"{int(question):x}"
    return bytes.fromhex(text + "0" * (len(text) % 2)).ljust(_QUESTION_BYTES, b"\x00")


def _field(wanted: str | None, value: int | None, name: str) -> bytes:
    if (wanted is None) != (value is None):
        raise Rejected(
            "suite", f"the suite and the given {name} do not fit", fix="Give what the suite names, and no more."
        )
    return b"" if value is None else value.to_bytes(8, "big")


def _pin(wanted: str | None, pin_hash: bytes | None) -> bytes:
    if (wanted is None) != (pin_hash is None):
        raise Rejected("suite", "the suite and the given PIN hash do not fit", fix="Give what the suite names.")
    if pin_hash is None:
        return b""
    if len(pin_hash) != {"1": 20, "256": 32, "512": 64}[wanted or ""]:
        raise Rejected(
            "suite", "the PIN hash has another length than its suite's", fix="Hash the PIN as the suite says."
        )
    return pin_hash
