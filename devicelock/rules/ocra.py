"""OCRA, the challenge and response of OATH (RFC 6287).

A suite names the hash, the length of the answer and the inputs, in this order: `C` a counter; `QFxx` a question of up
to xx characters (04 to 64) that are alphanumeric (A), digits (N) or hexadecimal (H); `PSHA1`, `PSHA256` or `PSHA512`
the hash of a PIN; `Snnn` session data of up to nnn bytes (001 to 512); `TG` a time step of 1 to 59 seconds or minutes,
or 1 to 48 hours (section 6.3, and errata 3729). What has a default there is named here all the same.

The answer is HOTP over `suite | 0x00 | C | Q | P | S | T` (section 5.1). Counter and time step are 8 bytes. The
question is left-aligned and padded with zeros to 128 bytes: text as it stands, digits as their number in hexadecimal,
and hexadecimal digits as they are. Session data are padded with zeros on the left, as the reference code does. Leading
zeros of the answer stay; where the suite says 0 digits, nothing is truncated and the answer is the whole digest in
hexadecimal (section 5.2).

Where both parties ask (section 7.2), the question of the other one comes first, then one's own: the two texts are
joined and packed as one. Two questions of full length may come joined already, as Appendix C writes them.
"""

import hmac
import re

from custody.kernel.errors import Rejected

_SUITE = re.compile(
    r"OCRA-1:HOTP-SHA(?P<hash>1|256|512)-(?P<digits>0|[4-9]|10):"
    r"(?P<counter>C-)?Q(?P<format>[ANH])(?P<question>0[4-9]|[1-5][0-9]|6[0-4])(?:-PSHA(?P<pin>1|256|512))?"
    r"(?:-S(?P<session>(?!000)[0-4][0-9]{2}|50[0-9]|51[0-2]))?"
    r"(?P<time>-T(?:[1-5]?[1-9]|[1-5]0)[SM]|-T(?:[1-3]?[1-9]|[1-3]0|4[0-8])H)?",
    re.ASCII,
)
_QUESTIONS = {
    "A": re.compile(r"[0-9A-Za-z]+"),
    "N": re.compile(r"[0-9]+"),
    "H": re.compile(r"[0-9A-Fa-f]+"),
}
_QUESTION_BYTES = 128
_PIN_BYTES = {"1": 20, "256": 32, "512": 64}


def ocra(
    suite: str,
    key: bytes,
    *,
    question: str,
    own_question: str | None = None,
    counter: int | None = None,
    pin_hash: bytes | None = None,
    session: bytes | None = None,
    time_step: int | None = None,
) -> str:
    """The answer to `question`; raises `Rejected("suite")` or `Rejected("question")`."""
    form = _SUITE.fullmatch(suite)
    if form is None:
        raise Rejected("suite", f"{suite!r} is not a suite of OCRA", fix="Name one by RFC 6287 section 6.")
    longest = int(form["question"])
    if own_question is None and len(question) == 2 * longest:
        question, own_question = question[:longest], question[longest:]
    asked = [question] if own_question is None else [question, own_question]
    for each in asked:
        _check_question(each, form["format"], longest=longest)
    data = suite.encode() + b"\x00"
    data += _number(form["counter"], counter, "counter")
    data += _pack_question("".join(asked), form["format"])
    data += _pin(form["pin"], pin_hash)
    data += _session(form["session"], session)
    data += _number(form["time"], time_step, "time step")
    return _truncate(hmac.new(key, data, f"sha{form['hash']}").digest(), digits=int(form["digits"]))


def _truncate(digest: bytes, *, digits: int) -> str:
    if digits == 0:
        return digest.hex()
    offset = digest[-1] & 0x0F
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFF_FFFF
    return str(number % 10**digits).zfill(digits)


def _check_question(question: str, kind: str, *, longest: int) -> None:
    if len(question) > longest:
        raise Rejected("question", "the question is longer than the suite allows", fix="Read the question again.")
    if _QUESTIONS[kind].fullmatch(question) is None:
        raise Rejected("question", "the question has other characters than its suite's", fix="Read the question again.")


def _pack_question(question: str, kind: str) -> bytes:
    if kind == "A":
        return question.encode().ljust(_QUESTION_BYTES, b"\x00")
    text = f"{int(question):x}" if kind == "N" else question
    return bytes.fromhex(text.ljust(2 * _QUESTION_BYTES, "0"))


def _number(wanted: str | None, value: int | None, name: str) -> bytes:
    _check_given(wanted, value, name)
    if value is None:
        return b""
    if not 0 <= value < 2**64:
        raise Rejected("suite", f"the {name} does not fit in 8 bytes", fix="Count from 0 to 2^64-1.")
    return value.to_bytes(8, "big")


def _pin(wanted: str | None, pin_hash: bytes | None) -> bytes:
    _check_given(wanted, pin_hash, "PIN hash")
    if pin_hash is None:
        return b""
    if len(pin_hash) != _PIN_BYTES[wanted or ""]:
        raise Rejected(
            "suite", "the PIN hash has another length than its suite's", fix="Hash the PIN as the suite says."
        )
    return pin_hash


def _session(wanted: str | None, session: bytes | None) -> bytes:
    _check_given(wanted, session, "session data")
    if session is None:
        return b""
    if len(session) > int(wanted or ""):
        raise Rejected("suite", "the session data are longer than the suite allows", fix="Give what the suite names.")
    return session.rjust(int(wanted or ""), b"\x00")


def _check_given(wanted: str | None, value: object, name: str) -> None:
    if (wanted is None) != (value is None):
        raise Rejected(
            "suite", f"the suite and the given {name} do not fit", fix="Give what the suite names, and no more."
        )
