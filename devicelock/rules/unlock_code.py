"""The way out without a network: a code read over the telephone (OCRA, RFC 6287).

- The lock screen shows eight digits, the question, and the number of its lock. The service answers with eight digits,
  and the device releases itself.
- Suite: `OCRA-1:HOTP-SHA256-8:C-QN08`. The counter is the lock's own pair: the epoch in the upper and the counter in
  the lower 32 bits, so that a code opens one lock of one device and no other. A 32-byte key per device serves this
  purpose only: it can say nothing but *unlock*. It is derived from a master secret by HKDF-SHA256 (RFC 5869) and given
  to the device at enrolment.
- **Never lost.** The service knows the pair of the newest lock; where it does not (a restored backup, an answer that
  was lost), the holder reads the number of the lock off the screen: `12345678 3.17` (`read_challenge`).
- The device draws the question from its secure generator and stores it. It forgets it after a right answer or five
  wrong ones and draws another; each wrong answer doubles the wait before the next, from 1 second to 15 minutes.
- A code stays issuable for the life of the handset.

The function is HOTP over `suite | 0x00 | C | Q | P | T` (section 5.1): counter 8 bytes; a numeric question as the
number in hexadecimal, left-aligned and padded with zeros to 128 bytes; PIN as its hash; time step 8 bytes. Leading
zeros of the answer stay. A time step is 1 to 59 seconds or minutes, or 0 to 48 hours (section 6.3). Suites with session
data (S) or alphanumeric and hexadecimal questions are not used here and are refused.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, replace

from custody.kernel.errors import Rejected
from devicelock.rules.applied import Pair

SUITE = "OCRA-1:HOTP-SHA256-8:C-QN08"
KEY_BYTES = 32
DIGITS = 8
MAX_WRONG = 5
FIRST_WAIT_S = 1
LONGEST_WAIT_S = 15 * 60
ENTROPY_BYTES = 16

_SUITE = re.compile(
    r"OCRA-1:HOTP-SHA(?P<hash>1|256|512)-(?P<digits>[4-9]|10):"
    r"(?P<counter>C-)?QN(?P<question>0[4-9]|[1-5][0-9]|6[0-4])(?:-PSHA(?P<pin>1|256|512))?"
    r"(?P<time>-T(?:[1-5]?[1-9]|[1-5]0)[SM]|-T(?:[1-3]?[0-9]|4[0-8])H)?",
    re.ASCII,
)
_CHALLENGE = re.compile(r"(?P<digits>[0-9]{8})(?:(?P<epoch>[0-9]{1,16})\.(?P<counter>[0-9]{1,16}))?", re.ASCII)
_HALF = 2**32 - 1
_QUESTION_BYTES = 128
_HKDF_INFO = b"weaklink device unlock code v1\x00"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The challenge on the lock screen, and how often it was answered wrongly."""

    digits: str
    wrong: int = 0
    not_before_s: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Challenge:
    """What the holder read off the screen: the digits, and the pair of the lock where they gave its number."""

    digits: str
    pair: Pair | None


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
        raise Rejected("suite", f"{suite!r} is not a suite we compute", fix=f"Use {SUITE}.")
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


def derive_key(master: bytes, device: str) -> bytes:
    """The device's own 32-byte key: HKDF-SHA256 with an empty salt and the device's name in the info."""
    if len(master) < KEY_BYTES:
        raise Rejected("master", f"the master secret is shorter than {KEY_BYTES} bytes", fix="Draw 32 random bytes.")
    drawn = hmac.new(bytes(32), master, hashlib.sha256).digest()
    return hmac.new(drawn, _HKDF_INFO + device.encode() + b"\x01", hashlib.sha256).digest()


def read_challenge(text: str) -> Challenge:
    """The digits on the screen, grouped as anyone likes, and the number of the lock after them if it was given."""
    found = _CHALLENGE.fullmatch(re.sub(r"[\s-]", "", text))
    if found is None:
        raise Rejected(
            "question",
            f"{text[:40]!r} is not {DIGITS} digits, with or without the number of the lock",
            fix="Read the digits on the screen again; the number of the lock looks like 3.17.",
        )
    pair = (int(found["epoch"]), int(found["counter"])) if found["epoch"] else None
    return Challenge(digits=found["digits"], pair=pair)


def lock_number(pair: Pair) -> str:
    """How the screen shows which lock it is."""
    return f"{pair[0]}.{pair[1]}"


def unlock_code(key: bytes, question: str, *, pair: Pair) -> str:
    """What the service answers to the digits on the screen of one lock; raises `Rejected("question")`."""
    if len(question) != DIGITS:
        raise Rejected(
            "question", f"{question[:40]!r} is not {DIGITS} digits", fix="Read the digits on the screen again."
        )
    epoch, counter = pair
    return ocra(SUITE, key, question=question, counter=(epoch & _HALF) << 32 | counter & _HALF)


def ask(entropy: bytes) -> Question:
    """A fresh question out of at least 16 random bytes."""
    if len(entropy) < ENTROPY_BYTES:
        raise Rejected("entropy", f"fewer than {ENTROPY_BYTES} random bytes", fix="Draw them from a secure generator.")
    return Question(digits=str(int.from_bytes(entropy, "big") % 10**DIGITS).zfill(DIGITS))


def is_answer(question: Question, code: str, *, key: bytes, pair: Pair, now_s: int) -> bool:
    """Whether the code answers the question of this lock now; False while the wait after a wrong one runs."""
    given, right = code.replace(" ", "").encode(errors="replace"), unlock_code(key, question.digits, pair=pair)
    return not _waits(question, now_s) and hmac.compare_digest(given, right.encode())


def after_wrong(question: Question, *, now_s: int, entropy: bytes) -> Question:
    """The question after a wrong answer: a longer wait, and another question after the fifth."""
    if _waits(question, now_s):
        return question
    wrong = question.wrong + 1
    wait_s = min(FIRST_WAIT_S << min(wrong - 1, 20), LONGEST_WAIT_S)
    if wrong >= MAX_WRONG:
        return replace(ask(entropy), not_before_s=now_s + LONGEST_WAIT_S)
    return replace(question, wrong=wrong, not_before_s=now_s + wait_s)


def _waits(question: Question, now_s: int) -> bool:
    # A wait longer than the longest one means the clock was turned back: then nobody waits.
    return now_s < question.not_before_s <= now_s + LONGEST_WAIT_S


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
